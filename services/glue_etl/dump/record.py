"""From a line of the dump to a record of the contract, or to a quarantine record; pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from cleaning.payload import MAX_RECORD_BYTES, payload_of
from cleaning.reasons import NOT_UNICODE, TOO_DEEP, reason_of
from schemas.keys import parse_run_id
from schemas.rows.quarantine import QuarantineRecord
from schemas.source.dump import DUMP_WORK, DumpWork
from schemas.version import CONTRACT_VERSION

_COLUMNS: Final = 5
_TYPE: Final = "/type/work"
#: What parsers take for a number, and JSON does not have; a title may have the word.
_NO_NUMBERS: Final = ("NaN", "Infinity")
_DIGITS: Final = 100
_TOO_LARGE: Final = 10**_DIGITS
#: The columns that say which work a line is of, whatever comes after them.
_LINE_OF_WORK: Final = re.compile(rb"/type/work\t(/works/OL[0-9]{1,18}W)\t")


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

    def rejected(self, line: bytes, position: int, error: BadLineError) -> QuarantineRecord:
        """Make the quarantine record of a line."""
        payload = payload_of(line, MAX_RECORD_BYTES)
        return QuarantineRecord(
            reason_code=error.code,
            reason_message=str(error),
            field=error.field,
            payload=payload.text,
            payload_encoding=payload.encoding,
            payload_truncated=payload.is_truncated,
            contract_version=CONTRACT_VERSION,
            run_id=self.run_id,
            raw_key=self.raw_key,
            position=position,
            fetched_at=self.fetched_at.isoformat().replace("+00:00", "Z"),
        )


def record_of(line: bytes) -> DumpWork:
    """Return the record of a line.

    Raises
    ------
    BadLineError
        Saying what is wrong with it.
    """
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadLineError("line.not_utf8", f"the line is not UTF-8: {error.reason}") from None
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
    if not any(word in document for word in _NO_NUMBERS):
        try:
            return DUMP_WORK.validate_json(document)
        except ValidationError:
            # It does not fit, or it holds what pydantic's own parser gives up at even in a field
            # that is not used: a lone surrogate, or a number of thousands of digits.
            pass
    try:
        record = DUMP_WORK.validate_python(_parsed(document))
        json.dumps(record, ensure_ascii=False).encode()
    except ValidationError as error:
        raise BadLineError(*reason_of(error)) from None
    except UnicodeEncodeError:
        raise BadLineError(*NOT_UNICODE) from None
    except RecursionError:
        raise BadLineError(TOO_DEEP, "the record is nested too deeply") from None
    except ValueError as error:
        raise BadLineError("line.not_json", f"the fifth column is not JSON: {error}") from None
    return record


def _parsed(document: str) -> Any:
    return json.loads(document, parse_constant=_refuse, parse_int=_bounded)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _bounded(digits: str) -> int:
    # Python refuses numbers of thousands of digits, which are JSON, and fit no column.
    return int(digits) if len(digits) <= _DIGITS else _TOO_LARGE
