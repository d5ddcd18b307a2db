"""Subjects' names and keys, by OpenLibrary's own rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args
from urllib.parse import urlencode

PrefixedKind = Literal["person", "place", "time"]
SubjectKind = Literal["subject", PrefixedKind]

#: Kinds whose keys begin with their name and a colon; the others are plain subjects.
PREFIXED_KINDS: Final[tuple[PrefixedKind, ...]] = get_args(PrefixedKind)

_DROPPED: Final = str.maketrans(" ", "_", ';/?:@&=+$,<>#%"{}|\\^[]`\n\r')


class InvalidSubjectError(ValueError):
    """A text names no subject: nothing is left of it after OpenLibrary's normalisation."""


def canonical_subject(text: str) -> str:
    r"""Normalise a subject's name to OpenLibrary's key for it, keeping the prefix of its kind.

    ``Science Fiction`` gives ``science_fiction``, ``Person: Jane Austen`` gives
    ``person:jane_austen``. The rule (strip, lower case, space to ``_``, drop
    ``;/?:@&=+$,<>#%"{}|\^[]` `` and line ends) is ``str_to_key`` of OpenLibrary's server, so
    ``C#`` and ``C++`` are both ``c``, as they are there.

    Raises
    ------
    InvalidSubjectError
        When nothing is left of the name.
    """
    lowered = text.strip().lower()
    prefix, found, name = lowered.partition(":")
    if not found or prefix not in PREFIXED_KINDS:
        prefix, found, name = "", "", lowered
    # Once more, since what was dropped may have stood outside of the blanks.
    name = name.strip().translate(_DROPPED).strip()
    if not name:
        raise InvalidSubjectError(f"nothing is left of the subject {text[:80]!r} once normalised")
    return f"{prefix}{found}{name}"


def listing_key(subject: str, filters: Mapping[str, str]) -> str:
    """Return what tells a filtered listing of a subject from the subject itself, and from others.

    A canonical subject has no ``?``, so ``love?has_fulltext=true`` is nobody's name.
    """
    return f"{subject}?{urlencode(sorted(filters.items()))}" if filters else subject


def subject_kind(key: str) -> SubjectKind:
    """Return the kind of a canonical subject key from its prefix."""
    for kind in PREFIXED_KINDS:
        if key.startswith(f"{kind}:"):
            return kind
    return "subject"
