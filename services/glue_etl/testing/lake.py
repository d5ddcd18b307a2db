"""A lake in a folder: processed files as process writes them, under the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.derive.arrow import arrow_schema
from schemas.keys import RawKey, dump_rows_prefix, parse_run_id, processed_ledger_key
from schemas.ledger.run import DumpLedger
from schemas.source.dump import NO_LISTING
from schemas.subjects import subject_kind
from schemas.tables import TABLES
from schemas.testing.ledgers import processed_ledger

Row = dict[str, Any]
_DEFAULTS: Final[Row] = {
    "title": "Emma",
    "edition_count": 1,
    "first_publish_year": None,
    "authors": [],
    "subjects": [],
    "ia_collections": [],
    "access_level": "none",
    "record_hash": "0" * 32,
}


@dataclass(frozen=True, slots=True)
class Lake:
    """The folders of a lake, below one root.

    Attributes
    ----------
    minutes
        Minutes between the pages of a run.
    """

    root: Path
    minutes: int = field(default=1)

    @property
    def processed(self) -> str:
        """URI of the processed tables."""
        return f"file://{self.root}/processed_data/"

    @property
    def compacted(self) -> str:
        """URI of the compacted rows."""
        return f"file://{self.root}/compacted_data/"

    @property
    def curated(self) -> str:
        """URI of the curated tables."""
        return f"file://{self.root}/curated_data/"

    @property
    def runs(self) -> str:
        """URI of the run ledger."""
        return f"file://{self.root}/runs/"

    def arguments(self, **more: object) -> list[str]:
        """Return the job's command line."""
        places = ("processed", "compacted", "curated", "runs")
        values = {place: getattr(self, place) for place in places} | more
        return [
            part
            for name, value in values.items()
            for part in (f"--{name.replace('_', '-')}", str(value))
        ]

    def put_run(
        self,
        run_id: str,
        listings: Mapping[str, Sequence[Row]],
        years: Mapping[str, dict[int, int]] | None = None,
        *,
        counts: Mapping[str, tuple[int, int | None]] | None = None,
    ) -> None:
        """Write a run that process has finished.

        Parameters
        ----------
        listings
            Works by subject.
        years
            The source's works by year, by subject.
        counts
            The source's works and e-books, by subject; the number of works by default.
        """
        for number, (subject, works) in enumerate(listings.items()):
            page = RawKey.of(run_id, subject, 0)
            shared = self._shared(page, number)
            rows = [work_row(work, shared, position) for position, work in enumerate(works)]
            about = {"subject": subject, "kind": subject_kind(subject)} | shared
            total, ebooks = (counts or {}).get(subject, (len(works), None))
            snapshot = {"name": subject.title(), "work_count": total, "ebook_count": ebooks}
            facets = [
                {"facet": "publishing_history", "position": at, "name": str(year)}
                | {"year": year, "count": count}
                | about
                for at, (year, count) in enumerate((years or {}).get(subject, {}).items())
            ]
            self._write(page, "works", rows)
            self._write(page, "subject_snapshots", [snapshot | about])
            self._write(page, "subject_facets", facets)
        listed = {subject: len(works) for subject, works in listings.items()}
        self.finish(run_id, sum(listed.values()), listed)

    def put_dump(self, run_id: str, works: Sequence[Row], unreadable: Sequence[str] = ()) -> None:
        """Write a run that was loaded from a dump.

        Parameters
        ----------
        unreadable
            Works whose lines are in quarantine.
        """
        shared = {
            "run_id": run_id,
            "raw_key": "dumps/works.txt.gz",
            "fetched_at": parse_run_id(run_id),
            "contract_version": "1",
            "source_subject": NO_LISTING,
            "edition_count": 0,
            "access_level": "none",
        }
        rows = [work_row(work, shared, position) for position, work in enumerate(works)]
        folder = self.root / dump_rows_prefix(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        schema = arrow_schema(TABLES["works"].columns)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "part-0.parquet")
        path = self.root / processed_ledger_key(run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = processed_ledger(run_id, len(rows), len(unreadable)).model_dump()
        ledger = DumpLedger.model_validate(counts | {"unreadable_works": list(unreadable)})
        path.write_text(ledger.model_dump_json(), "utf-8")

    def finish(self, run_id: str, rows: int, subjects: Mapping[str, int] | None = None) -> None:
        """Write the ledger of a run that process has finished, with the rows of its subjects."""
        path = self.root / processed_ledger_key(run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        ledger = processed_ledger(run_id, rows, subjects=subjects or {})
        path.write_text(ledger.model_dump_json(), "utf-8")

    def _shared(self, page: RawKey, number: int) -> Row:
        return {
            "run_id": page.run_id,
            "raw_key": page.key,
            "fetched_at": parse_run_id(page.run_id) + timedelta(minutes=number * self.minutes),
            "contract_version": "1",
            "source_subject": page.subject,
        }

    def _write(self, page: RawKey, table: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        path = self.root / page.processed_key(table)
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = arrow_schema(TABLES[table].columns)
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


def work_row(work: Row, shared: Row, position: int) -> Row:
    """Complete a work to a processed row; ``subjects`` may be keys, ``authors`` (key, name)."""
    row = _DEFAULTS | work | shared | {"position": position}
    row["subjects"] = [
        (
            {"key": key, "name": key.title(), "kind": subject_kind(key)}
            if isinstance(key, str)
            else key
        )
        for key in row["subjects"]
    ]
    row["authors"] = [
        author if isinstance(author, dict) else {"key": author[0], "name": author[1]}
        for author in row["authors"]
    ]
    year = row["first_publish_year"]
    return row | {
        "decade": year and year - year % 10,
        "work_url": f"https://openlibrary.org{row['work_key']}",
    }
