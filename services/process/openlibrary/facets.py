"""Rows of ``subject_snapshots`` and ``subject_facets``, from a subject's first page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from cleaning.reasons import NOT_UNICODE, TOO_MANY_ENTRIES, Reason, reason_of
from cleaning.values import clean_text
from process.errors import OtherSubjectError
from process.openlibrary.page import is_writable, load_field, split_list
from process.records import Lineage, Rejected, reject_record
from schemas.derive.arrow import arrow_schema
from schemas.rows.quarantine import QuarantineRecord
from schemas.source.page import FACET, FACETS, HEADER, HISTORY, YEAR, SourceHeader
from schemas.subjects import InvalidSubjectError, canonical_subject, subject_kind
from schemas.tables import SUBJECT_FACETS, SUBJECT_SNAPSHOTS, Table
from schemas.version import CONTRACT_VERSION

#: Entries of a facet; the captured page has 524 in all its facets.
MAX_ENTRIES: Final = 5000
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


def subject_tables(about: Mapping[str, bytes], lineage: Lineage) -> list[TableRows]:
    """Return a first page's rows about its subject; pages further on repeat or lack them.

    Parameters
    ----------
    about
        The page's fields besides its works, each as it came.
    """
    return [_snapshot(about, lineage), _facets(about, lineage)] if lineage.page.offset == 0 else []


def check_subject(about: Mapping[str, bytes], subject: str) -> None:
    """Compare the subject that a page names with that of its key.

    Raises
    ------
    OtherSubjectError
        When they differ. A page that names none, or in a form of its own, is taken by its key.
    """
    named = load_field(about.get("key", b"null"))
    if not isinstance(named, str) or not named.startswith(_SUBJECT_PREFIX):
        return
    try:
        found = canonical_subject(named.removeprefix(_SUBJECT_PREFIX))
    except InvalidSubjectError:
        return
    # A filtered listing has its filters behind the subject; the page names the subject alone.
    if found != subject.partition("?")[0]:
        raise OtherSubjectError(f"the page is about {found[:80]!r}, its key says {subject!r}")


def _snapshot(about: Mapping[str, bytes], lineage: Lineage) -> TableRows:
    made = TableRows(SUBJECT_SNAPSHOTS)
    texts = {name: about[name] for name in SourceHeader.__annotations__ if name in about}
    header = _header(texts)
    if isinstance(header, Reason):
        told = b",".join(b'"%s":%s' % (name.encode(), text) for name, text in texts.items())
        rejected = Rejected(b"{%s}" % told, header)
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


def _header(texts: Mapping[str, bytes]) -> Any:
    values = {name: load_field(text) for name, text in texts.items()}
    for name, value in values.items():
        if isinstance(value, Rejected):
            return value.reason._replace(field=name)
    return _judged(HEADER, values)


def _judged(contract: TypeAdapter[Any], value: Any) -> Any:
    """Return a value as its contract has it, or the :class:`Reason` why it does not fit."""
    try:
        found = contract.validate_python(value, strict=True)
    except ValidationError as error:
        return reason_of(error)
    # Lone surrogates pass as text, and would fail the whole column.
    if not is_writable(found):
        return NOT_UNICODE
    return found


def _facets(about: Mapping[str, bytes], lineage: Lineage) -> TableRows:
    made = TableRows(SUBJECT_FACETS)
    shared = _shared(lineage)
    for facet in (*FACETS, HISTORY):
        for position, entry in enumerate(_entries(facet, about.get(facet, b"null"))):
            if isinstance(entry, Rejected):
                where = {"table_name": SUBJECT_FACETS.name, "part": facet}
                made.rejected.append(reject_record(entry, position, lineage, **where))
            else:
                details = _year_row(*entry) if facet == HISTORY else _entry_row(entry)
                made.rows.append(shared | {"facet": facet, "position": position} | details)
    return made


def _entries(facet: str, text: bytes) -> Iterator[Any]:
    """Yield the entries of a facet as their contract has them, or :class:`Rejected`."""
    values, texts = load_field(text), []
    if isinstance(values, Rejected):
        yield values
        return
    if not isinstance(values, list):
        values, texts = [] if values is None else [values], [text]
    if len(values) > MAX_ENTRIES:
        problem = f"{facet}: {len(values)} entries, more than {MAX_ENTRIES}"
        yield Rejected(text, Reason(TOO_MANY_ENTRIES, problem))
        return
    for position, value in enumerate(values):
        entry = _entry(facet, value)
        if isinstance(entry, Reason):
            texts = texts or split_list(text)
            entry = Rejected(texts[position], entry)
        yield entry


def _entry(facet: str, value: Any) -> Any:
    if facet != HISTORY:
        return _judged(FACET, value)
    # A year arrives as a JSON array, which is a list here and a tuple in the contract.
    return _judged(YEAR, tuple(value) if isinstance(value, list) else value)


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
