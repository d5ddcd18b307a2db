"""From a line of the dump to a processed row, or to a quarantine record; pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from pydantic import ValidationError

from cleaning import values
from cleaning.reasons import reason_of
from schemas.keys import parse_run_id
from schemas.rows.quarantine import PayloadEncoding, QuarantineRecord
from schemas.source.dump import DUMP_WORK, DumpWork
from schemas.version import CONTRACT_VERSION

Row = dict[str, Any]

_COLUMNS: Final = 5
_TYPE: Final = "/type/work"
_MAX_PAYLOAD: Final = 1_000_000
#: The columns that say which work a line is of, whatever comes after them.
_LINE_OF_WORK: Final = re.compile(rb"/type/work\t(/works/OL[0-9]{1,18}W)\t")
_OLD_AUTHOR: Final = re.compile(r"/a/(OL[0-9]+A)", re.ASCII)
#: Kinds of subjects that a record has in lists of their own, with the prefixes of their keys.
_KINDS: Final = {
    "subject_people": "person:",
    "subject_places": "place:",
    "subject_times": "time:",
}
#: Spellings of subjects that are remembered, because the frequent ones come again and again.
_REMEMBERED: Final = 1 << 14
#: The longest (characters) of them, so that what is remembered stays small.
_LONGEST_REMEMBERED: Final = 100


def work_of(line: bytes) -> str | None:
    """Return the key of the work that a line is of, even if the rest cannot be read."""
    found = _LINE_OF_WORK.match(line)
    return found[1].decode() if found else None


class BadLineError(Exception):
    """A line that is not a record of a work: a stable code, a sentence, and the field to blame."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


@dataclass(frozen=True)
class Source:
    """The dump: its run, and the name that stands for the raw object in rows."""

    run_id: str
    raw_key: str

    @cached_property
    def fetched_at(self) -> datetime:
        """The dump's time (UTC): that of its run."""
        # Kept, because parsing it for every line takes a third of a line's time.
        return parse_run_id(self.run_id)

    def own_columns(self, line: bytes) -> Row:
        """Return what a line itself says of its work, by column of the processed row.

        Raises
        ------
        BadLineError
            Saying what is wrong with it.
        """
        return _own_columns(_record(_text(line)), self.fetched_at.year)

    def rejected(self, line: bytes, position: int, error: BadLineError) -> QuarantineRecord:
        """Make the quarantine record of a line."""
        encoding: PayloadEncoding = "text"
        try:
            payload = line.decode()
        except UnicodeDecodeError:
            payload, encoding = base64.b64encode(line[:_MAX_PAYLOAD]).decode(), "base64"
        return QuarantineRecord(
            reason_code=error.code,
            reason_message=str(error),
            field=error.field,
            payload=payload[:_MAX_PAYLOAD],
            payload_encoding=encoding,
            payload_truncated=len(line) > _MAX_PAYLOAD,
            contract_version=CONTRACT_VERSION,
            run_id=self.run_id,
            raw_key=self.raw_key,
            position=position,
            fetched_at=self.fetched_at.isoformat().replace("+00:00", "Z"),
        )


def _text(line: bytes) -> str:
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadLineError("line.not_utf8", f"the line is not UTF-8: {error.reason}") from None


def _record(text: str) -> DumpWork:
    columns = text.split("\t")
    if len(columns) != _COLUMNS:
        raise BadLineError("line.columns", f"the line has {len(columns)} columns instead of 5")
    kind, key, _, _, document = columns
    if kind != _TYPE:
        raise BadLineError("line.type", f"the line is of type {kind[:80]!r}, not {_TYPE!r}")
    record = _work(document)
    if record["key"] != key:
        raise BadLineError(
            "line.key_mismatch", f"the line's key {key[:80]!r} is not the record's {record['key']}"
        )
    return record


def _work(document: str) -> DumpWork:
    try:
        return DUMP_WORK.validate_json(document)
    except ValidationError:
        # It does not fit, or it holds a lone surrogate, at which pydantic's own parser gives up
        # even in a field that is not used.
        pass
    try:
        record = DUMP_WORK.validate_python(json.loads(document))
        json.dumps(record, ensure_ascii=False).encode()
    except ValidationError as error:
        raise BadLineError(*reason_of(error)) from None
    except UnicodeEncodeError:
        raise BadLineError("record.invalid_text", "the record's text is not Unicode") from None
    except (ValueError, RecursionError) as error:
        raise BadLineError("line.not_json", f"the fifth column is not JSON: {error}") from None
    return record


def _own_columns(record: DumpWork, fetched_year: int) -> Row:
    covers = map(values.known_id, record.get("covers") or ())
    year = values.year_of(record.get("first_publish_date"))
    return {
        "work_key": record["key"],
        "title": values.clean_text(record["title"]),
        "first_publish_year": values.known_year(year, fetched_year),
        "authors": _authors(record),
        "subjects": list(_subjects(record)),
        "cover_id": next(filter(None, covers), None),
    }


def _authors(record: DumpWork) -> list[Row]:
    found = (values.clean_text(author.get("author")) for author in record.get("authors") or ())
    unique = dict.fromkeys(map(_author_key, filter(None, found)))
    return [
        {"key": text, "name": None} if text.startswith("/") else {"key": None, "name": text}
        for text in unique
    ]


def _author_key(text: str) -> str:
    # Until 2010 keys were /a/OL1A; it is the same author.
    old = _OLD_AUTHOR.fullmatch(text)
    return f"/authors/{old[1]}" if old else text


def _subjects(record: DumpWork) -> Iterator[Row]:
    spellings = list(record.get("subjects") or ())
    for field, prefix in _KINDS.items():
        names: list[str] = record.get(field) or []  # type: ignore[assignment]  # lists of texts
        spellings += [f"{prefix}{name}" for name in names if name.strip()]
    seen: set[str] = set()
    for spelling in spellings:
        short = len(spelling) <= _LONGEST_REMEMBERED
        subject = _remembered_subject(spelling) if short else _subject(spelling)
        if subject and subject[0] not in seen:
            seen.add(subject[0])
            yield subject[1]


def _subject(spelling: str) -> tuple[str, Row] | None:
    """Return a subject's identity and what a row holds of it; ``None`` for a blank one."""
    cleaned = values.clean_text(spelling)
    if cleaned is None:
        return None
    key, name, kind = values.subject_of(cleaned)
    # The kind has a column of its own: readers see France, and not place:France.
    shown = name if kind == "subject" else name.partition(":")[2].strip()
    return values.subject_identity(key, name), {"key": key, "name": shown, "kind": kind}


_remembered_subject = lru_cache(_REMEMBERED)(_subject)
