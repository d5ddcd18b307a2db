"""Subjects by number: each spelling is cleaned once, however many works and pages have it."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cleaning import values
from cleaning.list_items import Items
from schemas.subjects import SubjectKind

#: Spellings after which a vocabulary is given up (about 20 MB); a page of 1000 works has some 5000,
#: and the next page of the same subject most of them again.
CAPACITY: Final = 40_000
_USUAL_LENGTH: Final = 50

_SUBJECT: Final = pa.struct([(name, pa.string()) for name in ("key", "name", "kind")])


class Vocabulary(dict[str, int | None]):
    """Numbers the cleaned names of spellings as they come; a blank spelling has none.

    The numbers depend on the pages seen before, and what a page becomes does not depend on them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self._by_name: dict[str, int] = {}
        self._by_identity: dict[str, int] = {}
        self._new: list[tuple[str | None, str, SubjectKind]] = []
        self._new_leaders: list[int] = []
        self._subjects = pa.array([], _SUBJECT)
        self._leaders = pa.array([], pa.int32())

    @property
    def full(self) -> bool:
        """Whether it has grown beyond its capacity, in spellings or in characters."""
        return len(self) > CAPACITY or self._size > CAPACITY * _USUAL_LENGTH

    def subjects(self, spellings: pa.ListArray, list_type: pa.ListType) -> pa.ListArray:
        """Return each work's subjects once by their key: the first spelling, in source order."""
        items = Items.of(spellings)
        distinct = items.values.dictionary_encode()
        numbers = pa.array([self[text] for text in distinct.dictionary.to_pylist()], pa.int32())
        self._learn()
        numbers = numbers.take(distinct.indices)
        once = Items(items.rows, numbers).once(self._leaders.take(numbers))
        return Items(once.rows, self._subjects.take(once.values)).lists(len(spellings), list_type)

    def __missing__(self, spelling: str) -> int | None:
        name = values.clean_text(spelling)
        number = None if name is None else self._number_of(name)
        self[spelling] = number
        self._size += len(spelling)
        return number

    def _number_of(self, name: str) -> int:
        known = len(self._by_name)
        number = self._by_name.setdefault(name, known)
        if number == known:
            subject = values.subject_of(name)
            identity = values.subject_identity(*subject[:2])
            self._new_leaders.append(self._by_identity.setdefault(identity, number))
            self._new.append(subject)
        return number

    def _learn(self) -> None:
        if self._new:
            parts = [pa.array(part, pa.string()) for part in zip(*self._new, strict=True)]
            new = pa.StructArray.from_arrays(parts, fields=list(_SUBJECT))
            self._subjects = pa.concat_arrays([self._subjects, new])
            leaders = pa.array(self._new_leaders, pa.int32())
            self._leaders = pa.concat_arrays([self._leaders, leaders])
            self._new, self._new_leaders = [], []


class SharedVocabulary:
    """The vocabulary that a container keeps between pages."""

    def __init__(self) -> None:
        self._current = Vocabulary()

    def subjects(self, spellings: pa.ListArray, list_type: pa.ListType) -> pa.ListArray:
        """See :meth:`Vocabulary.subjects`; a full one is replaced before the next page."""
        if self._current.full:
            self._current = Vocabulary()
        return self._current.subjects(spellings, list_type)
