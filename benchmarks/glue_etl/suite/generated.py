"""Processed lakes of any size, as process leaves them: many files of 1000 rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from glue_etl.testing.lake import Lake
from schemas.derive.arrow import arrow_schema
from schemas.keys import RawKey, parse_run_id
from schemas.tables import TABLES, WORKS
from schemas.version import CONTRACT_VERSION

FIRST_RUN: Final = "20261123T060000Z"
SECOND_RUN: Final = "20261124T060000Z"
SUBJECTS: Final = 50
PAGE: Final = 1000
#: Of works, how many are in a second listing too.
REPEATED: Final = 0.1
_CHUNK: Final = 100 * PAGE
# Ranks of which few are frequent and many are rare: the rank is 50000 to the power of chance.
_ROWS: Final = """
with numbered as (
    select i, if(i < $works, i, hash(i) % $works) as n from range($first, $last) t(i)),
drawn as (
    select *, list_distinct(list_transform(range(3 + (hash(n) % 7)::bigint), lambda j:
        'subject_' || floor(pow(50000, hash(n * 31 + j) / 18446744073709551616.0))::bigint)) keys
    from numbered)
select '/works/OL' || n || 'W' work_key,
    'A title of the work number ' || n || ', as long as usual' title,
    (1 + hash(n + 1) % 40)::int edition_count,
    if(hash(n + 2) % 10 = 0, null, 1800 + hash(n + 2) % 225)::int first_publish_year,
    (1800 + hash(n + 2) % 225 - (1800 + hash(n + 2) % 225) % 10)::int as decade,
    list_transform(range(1 + (hash(n) % 2)::bigint), lambda j: struct_pack(key := '/authors/OL'
            || floor(pow($works, hash(n * 7 + j) / 18446744073709551616.0))::bigint || 'A',
        name := 'Author ' || hash(n * 7 + j) % 1000)) authors,
    list_transform(keys, lambda key: struct_pack(
        key := key, name := upper(key), kind := 'subject')) subjects,
    (hash(n + 3) % 10000000)::bigint cover_id,
    'OL' || n || 'M' cover_edition_key,
    'https://covers.openlibrary.org/b/id/' || hash(n + 3) % 10000000 || '-L.jpg' cover_url,
    'https://openlibrary.org/works/OL' || n || 'W' work_url,
    if(hash(n + 4) % 3 = 0, 'scan' || n, null) ia, []::varchar[] ia_collections,
    hash(n + 4) % 3 = 0 public_scan, hash(n + 4) % 3 < 2 has_fulltext,
    ['open', 'borrowable', 'print_disabled', 'none'][(1 + hash(n + 4) % 4)::int] access_level,
    md5(n::varchar) record_hash, i % $page as position
from drawn"""


def generate(root: Path, works: int) -> Lake:
    """Make a lake of so many distinct works, and a tenth of them listed twice."""
    lake = Lake(root)
    _write_run(lake, FIRST_RUN, 0, int(works * (1 + REPEATED)), works)
    return lake


def add_works(lake: Lake, works: int, more: int) -> None:
    """Add a run of further works to a lake of so many."""
    _write_run(lake, SECOND_RUN, works, works + more, works + more)


def _write_run(lake: Lake, run: str, first: int, last: int, works: int) -> None:
    with duckdb.connect() as database:
        for start in range(first, last, _CHUNK):
            end = min(start + _CHUNK, last)
            text = _ROWS.replace("$works", str(works)).replace("$page", str(PAGE))
            text = text.replace("$first", str(start)).replace("$last", str(end))
            _write_pages(lake.root, run, database.sql(text).to_arrow_table(), start - first)
    years = {1800 + year: 10 + year for year in range(200)}
    for number in range(SUBJECTS):
        _write_about(lake.root, run, f"topic_{number}", (last - first) // SUBJECTS, years)
    lake.finish(run, last - first)


def _write_pages(root: Path, run: str, rows: pa.Table, first: int) -> None:
    for start in range(0, rows.num_rows, PAGE):
        number = (first + start) // PAGE
        page = RawKey.of(run, f"topic_{number % SUBJECTS}", number // SUBJECTS * PAGE)
        _write(root, page, WORKS.name, _with_lineage(rows.slice(start, PAGE), page))


def _with_lineage(rows: pa.Table, page: RawKey) -> pa.Table:
    shared = _shared(page) | {"source_subject": page.subject}
    schema = arrow_schema(WORKS.columns)
    columns = []
    for field in schema:
        if field.name in shared:
            value = pa.scalar(shared[field.name], field.type)
            columns.append(pa.repeat(value, rows.num_rows))
        elif field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        else:
            columns.append(pa.nulls(rows.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _shared(page: RawKey) -> dict[str, Any]:
    return {
        "run_id": page.run_id,
        "raw_key": page.key,
        "fetched_at": parse_run_id(page.run_id),
        "contract_version": CONTRACT_VERSION,
    }


def _write_about(root: Path, run: str, subject: str, works: int, years: dict[int, int]) -> None:
    page = RawKey.of(run, subject, 0)
    about = _shared(page) | {"subject": subject, "kind": "subject"}
    rows = {
        "subject_snapshots": [{"name": subject, "work_count": works} | about],
        "subject_facets": [
            {"facet": "publishing_history", "position": at, "name": str(year)}
            | {"year": year, "count": count}
            | about
            for at, (year, count) in enumerate(years.items())
        ],
    }
    for table, made in rows.items():
        schema = arrow_schema(TABLES[table].columns)
        _write(root, page, table, pa.Table.from_pylist(made, schema=schema))


def _write(root: Path, page: RawKey, table: str, rows: pa.Table) -> None:
    path = root / page.processed_key(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, compression="zstd")
