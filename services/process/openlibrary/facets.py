"""Rows of ``subject_snapshots`` and ``subject_facets``, from a subject's first page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from pydantic import ValidationError

from cleaning.reasons import Reason, reason_of
from cleaning.values import clean_text
from process.errors import OtherSubjectError
from process.logic.lineage import Lineage
from process.logic.quarantine import reject_record
from process.openlibrary.page import Rejected, dump_json, is_writable
from schemas.derive.arrow import arrow_schema
from schemas.rows.quarantine import QuarantineRecord
from schemas.source.page import FACET, FACETS, HEADER, HISTORY, YEAR
from schemas.subjects import InvalidSubjectError, canonical_subject, subject_kind
from schemas.tables import SUBJECT_FACETS, SUBJECT_SNAPSHOTS, Table
from schemas.version import CONTRACT_VERSION

_SUBJECT_PREFIX: Final = "/subjects/"


@dataclass(slots=True)
class TableRows:
    """Rows for a table, and the records that do not fit it."""

    table: Table
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[QuarantineRecord] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Records of the page that were meant for the table."""
        return len(self.rows) + len(self.rejected)

    def arrow(self) -> pa.Table:
        """Return the rows as the table's contract has them."""
        return pa.Table.from_pylist(self.rows, schema=arrow_schema(self.table.columns))


def subject_tables(about: dict[str, Any], lineage: Lineage) -> list[TableRows]:
    """Return a first page's rows about its subject; pages further on repeat or lack them.

    Parameters
    ----------
    about
        The page without its works.
    """
    return [_snapshot(about, lineage), _facets(about, lineage)] if lineage.page.offset == 0 else []


def check_subject(about: dict[str, Any], subject: str) -> None:
    """Compare the subject that a page names with that of its key.

    Raises
    ------
    OtherSubjectError
        When they differ. A page that names none, or in a form of its own, is taken by its key.
    """
    named = about.get("key")
    if not isinstance(named, str) or not named.startswith(_SUBJECT_PREFIX):
        return
    try:
        found = canonical_subject(named.removeprefix(_SUBJECT_PREFIX))
    except InvalidSubjectError:
        return
    # A filtered listing has its filters behind the subject; the page names the subject alone.
    if found != subject.partition("?")[0]:
        raise OtherSubjectError(f"the page is about {found[:80]!r}, its key says {subject!r}")


def _snapshot(about: dict[str, Any], lineage: Lineage) -> TableRows:
    made = TableRows(SUBJECT_SNAPSHOTS)
    try:
        header = HEADER.validate_python(_plain(about))
        _check_writable(header)
    except (ValidationError, UnicodeError) as error:
        rejected = _refused(_plain(about), error)
        made.rejected.append(
            reject_record(rejected, None, lineage, table_name=SUBJECT_SNAPSHOTS.name)
        )
        return made
    row = {
        "name": clean_text(header["name"]),
        "work_count": header["work_count"],
        "ebook_count": header["ebook_count"],
    }
    made.rows.append(_shared(lineage) | row)
    return made


def _plain(about: dict[str, Any]) -> dict[str, Any]:
    """Return what a page says of its subject besides facets; broken fields are left out."""
    facets = {*FACETS, HISTORY}
    return {
        name: value
        for name, value in about.items()
        if name not in facets and not isinstance(value, Rejected)
    }


def _facets(about: dict[str, Any], lineage: Lineage) -> TableRows:
    made = TableRows(SUBJECT_FACETS)
    shared = _shared(lineage)
    for facet, position, value in _entries(about):
        entry = value if isinstance(value, Rejected) else _entry(facet, value)
        if isinstance(entry, Rejected):
            made.rejected.append(
                reject_record(entry, position, lineage, table_name=SUBJECT_FACETS.name, part=facet)
            )
        else:
            details = _year_row(*entry) if facet == HISTORY else _entry_row(entry)
            made.rows.append(shared | {"facet": facet, "position": position} | details)
    return made


def _entry(facet: str, value: Any) -> Any:
    """Return an entry as its contract has it, or a :class:`Rejected`."""
    # A year arrives as a JSON array, which is a list here and a tuple in the contract.
    given = tuple(value) if facet == HISTORY and isinstance(value, list) else value
    try:
        entry: Any = (YEAR if facet == HISTORY else FACET).validate_python(given, strict=True)
        _check_writable(entry)
    except (ValidationError, UnicodeError) as error:
        return _refused(value, error)
    return entry


def _refused(value: Any, error: ValidationError | UnicodeError) -> Rejected:
    if isinstance(error, ValidationError):
        reason = reason_of(error)
    else:
        reason = Reason("record.invalid_text", "the record's text is not Unicode")
    text = dump_json(value, ascii_only=not is_writable(value))
    return Rejected(text.encode(), reason)


def _entries(about: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
    for facet in (*FACETS, HISTORY):
        values = about.get(facet)
        if isinstance(values, list):
            yield from ((facet, position, value) for position, value in enumerate(values))
        elif values is not None:
            yield facet, 0, values


def _check_writable(entry: object) -> None:
    # Lone surrogates pass as text, and would fail the whole column.
    if not is_writable(entry):
        raise UnicodeError


def _entry_row(entry: dict[str, Any]) -> dict[str, Any]:
    key = clean_text(entry["key"])
    return {
        "key": key.removeprefix(_SUBJECT_PREFIX) if key else None,
        "name": clean_text(entry["name"]) or "",
        "year": None,
        "count": entry["count"],
    }


def _year_row(year: int, count: int) -> dict[str, Any]:
    return {"key": None, "name": str(year), "year": year, "count": count}


def _shared(lineage: Lineage) -> dict[str, Any]:
    return {
        "subject": lineage.page.subject,
        "kind": subject_kind(lineage.page.subject),
        "run_id": lineage.page.run_id,
        "raw_key": lineage.raw_key,
        "fetched_at": lineage.fetched_at,
        "contract_version": CONTRACT_VERSION,
    }
