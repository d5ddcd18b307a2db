"""Rows of ``subject_snapshots`` and ``subject_facets``, from a subject's first page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from pydantic import ValidationError

from cleaning.values import clean_text
from process.logic.lineage import Lineage
from process.logic.quarantine import reject_record
from process.openlibrary.page import is_writable
from schemas.derive.arrow import arrow_schema
from schemas.keys import subject_kind
from schemas.rows.quarantine import QuarantineRecord
from schemas.source.page import FACET, FACETS, HEADER, HISTORY, YEAR
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


def _snapshot(about: dict[str, Any], lineage: Lineage) -> TableRows:
    made = TableRows(SUBJECT_SNAPSHOTS)
    try:
        header = HEADER.validate_python(about)
        _check_writable(header)
    except (ValidationError, UnicodeError):
        plain = {name: value for name, value in about.items() if name not in {*FACETS, HISTORY}}
        made.rejected.append(
            reject_record(plain, None, lineage, HEADER, table_name=SUBJECT_SNAPSHOTS.name)
        )
        return made
    row = {
        "name": clean_text(header["name"]),
        "work_count": header["work_count"],
        "ebook_count": header["ebook_count"],
    }
    made.rows.append(_shared(lineage) | row)
    return made


def _facets(about: dict[str, Any], lineage: Lineage) -> TableRows:
    made = TableRows(SUBJECT_FACETS)
    shared = _shared(lineage)
    for facet, position, value in _entries(about):
        adapter = YEAR if facet == HISTORY else FACET
        try:
            # A year arrives as a JSON array, which is a list here and a tuple in the contract.
            entry: Any = adapter.validate_python(value, strict=False if facet == HISTORY else None)
            _check_writable(entry)
        except (ValidationError, UnicodeError):
            made.rejected.append(
                reject_record(
                    value, position, lineage, adapter, table_name=SUBJECT_FACETS.name, part=facet
                )
            )
        else:
            details = _year_row(*entry) if facet == HISTORY else _entry_row(entry)
            made.rows.append(shared | {"facet": facet, "position": position} | details)
    return made


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
