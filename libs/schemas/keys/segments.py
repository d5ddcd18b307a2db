"""What keys are made of: segments, run ids, days; and how a key lies below a prefix."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from schemas.subjects import InvalidSubjectError

RUN_ID_PATTERN: Final = r"[0-9]{8}T[0-9]{6}Z"
#: A processed file's name is the encoded subject plus 32 characters, and local file systems, to
#: which the ETL stages files, take 255 bytes in a name.
MAX_SEGMENT_LENGTH: Final = 200
_RUN_ID_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_SAFE_BYTES: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_.-")


class InvalidKeyError(ValueError):
    """A text is not a key of the lake, or a key's parts contradict each other."""


class SubjectKeyTooLongError(InvalidSubjectError):
    """A subject's encoded form is longer than a key segment may be."""


# The pages of a subject share its segment, and lists of pages are long.
@lru_cache(maxsize=1024)
def encode_segment(text: str) -> str:
    """Encode any text as one key segment, reversibly.

    Parameters
    ----------
    text
        Anything but the empty string.

    Returns
    -------
    str
        ``[a-z0-9_.-]`` as they are and every other byte of the UTF-8 form as ``%XX``; never ``.``
        or ``..``.

    Raises
    ------
    InvalidSubjectError
        When the text is empty.
    SubjectKeyTooLongError
        When the result is longer than :data:`MAX_SEGMENT_LENGTH`.
    """
    if not text:
        raise InvalidSubjectError("an empty text cannot be a key segment")
    data = text.encode("utf-8", "surrogatepass")
    safe = frozenset[int]() if text in {".", ".."} else _SAFE_BYTES
    encoded = "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in data)
    if len(encoded) > MAX_SEGMENT_LENGTH:
        raise SubjectKeyTooLongError(
            f"subject {text[:40]!r}... takes {len(encoded)} characters in a key;"
            f" at most {MAX_SEGMENT_LENGTH} are possible: choose a shorter subject"
        )
    return encoded


@lru_cache(maxsize=1024)
def decode_segment(segment: str) -> str:
    """Invert :func:`encode_segment`.

    Raises
    ------
    InvalidKeyError
        When the segment is not exactly what :func:`encode_segment` makes of some text.
    """
    try:
        data = re.sub(
            rb"%([0-9A-F]{2})",
            lambda found: bytes.fromhex(found[1].decode()),
            segment.encode("ascii"),
        )
        text = data.decode("utf-8", "surrogatepass")
        if encode_segment(text) == segment:
            return text
    except ValueError as error:
        raise InvalidKeyError(f"{segment!r} is not an encoded key segment: {error}") from error
    raise InvalidKeyError(f"{segment!r} is not the canonical encoding of {text!r}")


def new_run_id(scheduled: datetime) -> str:
    """Make the id of the run scheduled at an aware time: ``20261123T060000Z`` (UTC, whole seconds).

    Raises
    ------
    ValueError
        When the time has no zone: a local time would make the id depend on the machine.
    """
    if scheduled.tzinfo is None:
        raise ValueError(f"a run's scheduled time needs a time zone: {scheduled.isoformat()}")
    return scheduled.astimezone(UTC).strftime(_RUN_ID_FORMAT)


# Each of a run's keys asks for it, and a run has hundreds of thousands.
@lru_cache(maxsize=64)
def parse_run_id(run_id: str) -> datetime:
    """Return the scheduled time (UTC) of a run id.

    Raises
    ------
    InvalidKeyError
        When the text is not a run id or names no real time.
    """
    if not re.fullmatch(RUN_ID_PATTERN, run_id, re.ASCII):
        raise InvalidKeyError(f"{run_id!r} is not a run id such as 20261123T060000Z")
    try:
        return datetime.strptime(run_id, _RUN_ID_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidKeyError(f"run id {run_id!r} names no real time") from error


def below(prefix: str, key: str) -> str:
    """Return a key without a prefix, for a place that is given as the prefix's own URI.

    Raises
    ------
    InvalidKeyError
        When the key does not lie below the prefix.
    """
    if not key.startswith(prefix):
        raise InvalidKeyError(f"{key!r} does not lie below {prefix!r}")
    return key[len(prefix) :]


def day_prefix(location: str, day: date | str) -> str:
    """Return the prefix of a day's partition below a table's location (with its trailing slash)."""
    return f"{location}ingest_date={day}/"


def split_day(path: str) -> tuple[str, str]:
    """Split a path below a table's location into the day of its partition and what follows."""
    folder, _, rest = path.partition("/")
    return folder.removeprefix("ingest_date="), rest


def is_folder_marker(key: str) -> bool:
    """Return whether an object holds nothing, and only says that there is a folder.

    Hadoop's connectors and consoles leave such objects, named after the folder with a slash or,
    EMRFS's, with ``_$folder$``.
    """
    return key.endswith(("/", "_$folder$"))


def first_group(found: re.Match[str] | None) -> str | None:
    return found[1] if found else None
