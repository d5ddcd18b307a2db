"""All tables that the views read, of a small lake of chance, as files below a bucket."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from glue_etl.testing.duckdb_tables import duckdb_tables
from glue_etl.testing.lake import Lake as ProcessedLake
from glue_etl.testing.random_lake import random_run, random_years
from schemas.curated_tables import CURATED
from schemas.derive.arrow import arrow_schema
from schemas.derive.glue import glue_types
from schemas.keys import RawKey, parse_run_id
from schemas.subjects import subject_kind
from schemas.tables import (
    PARTITIONS,
    QUARANTINE,
    SUBJECT_FACETS,
    SUBJECT_SNAPSHOTS,
    TABLES,
    WORKS,
    Table,
)

RUNS: Final = ("20261120T060000Z", "20261121T060000Z", "20261122T060000Z")
BOUNDS: Final = {"min_works": 1, "pair_subjects": 30, "pairs": 90, "tracked": 30, "places": 12}
_REASONS: Final = ("record.field_type", "record.no_key", "page.not_json")
#: Subjects that only meet each other, of few works; two are one topic.
_RARE: Final = [
    {"key": key, "name": key.rpartition(":")[2].title(), "kind": subject_kind(key)}
    for key in ("chess", "place:rhodes", "rhodes", "time:1848")
]
_RARE_WORKS: Final = ("/works/OL1W", "/works/OL2W", "/works/OL3W")

Row = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """A table as the catalogue has it: Glue types by column, and the partitions' days, if any."""

    types: Mapping[str, str]
    format: str
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tables:
    """Tables by their name in the catalogue; the files of one lie below ``<root>/<name>/``.

    Attributes
    ----------
    rows
        The same, as Python has it.
    """

    root: Path
    stored: dict[str, Stored] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)


def random_tables(root: Path, seed: int = 1, works: int = 60) -> Tables:
    """Make the tables of three runs, with what is rare in each: no e-books, no years, no names."""
    chance = random.Random(seed)  # noqa: S311  # for tests
    made = Tables(root)
    staged = ProcessedLake(root / "staged")
    for number, run_id in enumerate(RUNS):
        listings = random_run(seed + number, works)
        for work in (work for found in listings.values() for work in found):
            if work["work_key"] in _RARE_WORKS:
                work["subjects"] = [*work["subjects"], *_RARE]
        counts = {
            subject: chance.choice([(0, None), (9, 0), (400, 37), (len(found), 3)])
            for subject, found in listings.items()
        }
        years = random_years(seed + number, list(listings))
        staged.put_run(run_id, listings, years, counts=counts)
    for name, rows in duckdb_tables(staged.root / "processed_data", BOUNDS).items():
        _add_curated(made, name, rows)
    for table in (WORKS, SUBJECT_SNAPSHOTS, SUBJECT_FACETS):
        _add_processed(made, table, staged.root / "processed_data" / table.name)
    _add_quarantine(made, _rejected(chance))
    return made


def empty_tables(root: Path) -> Tables:
    """Make the tables of a lake to which nothing has come yet."""
    made = Tables(root)
    for name in CURATED:
        _add_curated(made, name, [])
    for table in TABLES.values():
        made.stored[table.catalogue_name] = _processed(table, ())
        made.rows[table.catalogue_name] = []
    return made


def _add_curated(made: Tables, name: str, rows: list[Row]) -> None:
    table = CURATED[name]
    made.stored[table.name] = Stored(glue_types(table.columns), "parquet")
    made.rows[table.name] = rows
    path = made.root / table.name / "part-0.parquet"
    path.parent.mkdir(parents=True)
    # Backwards: the order of what a view gives must come from the view.
    pq.write_table(pa.Table.from_pylist(rows[::-1], arrow_schema(table.columns)), path)


def _add_processed(made: Tables, table: Table, folder: Path) -> None:
    name = table.catalogue_name
    folder.rename(made.root / name)
    files = sorted((made.root / name).rglob("*.parquet"))
    made.stored[name] = _processed(table, _days(made.root / name))
    made.rows[name] = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def _processed(table: Table, days: tuple[str, ...]) -> Stored:
    return Stored(glue_types((*table.columns, *PARTITIONS)), table.format, days)


def _add_quarantine(made: Tables, rows: list[Row]) -> None:
    for number, row in enumerate(rows):
        day = parse_run_id(row["run_id"]).date()
        path = made.root / f"quarantine/ingest_date={day}/{number}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(json.dumps(row).encode() + b"\n"))
    made.stored["quarantine"] = _processed(QUARANTINE, _days(made.root / "quarantine"))
    made.rows["quarantine"] = rows


def _rejected(chance: random.Random) -> list[Row]:
    return [
        {
            "reason_code": (code := chance.choice(_REASONS)),
            "reason_message": f"{code} {chance.randint(1, 3)}",
            "field": None,
            "payload": "{}",
            "payload_encoding": "json",
            "payload_truncated": False,
            "table_name": chance.choice(["works", "subject_facets"]),
            "contract_version": "1",
            "run_id": (run_id := chance.choice(RUNS[1:])),
            "raw_key": RawKey.of(run_id, "love", 0).key,
            "position": number,
            "fetched_at": None,
        }
        for number in range(20)
    ]


def _days(folder: Path) -> tuple[str, ...]:
    return tuple(path.name.partition("=")[2] for path in sorted(folder.glob("ingest_date=*")))
