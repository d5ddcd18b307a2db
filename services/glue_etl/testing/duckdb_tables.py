"""The curated tables once more, in DuckDB's SQL and straight from the processed files.

Written without a look at the Spark code's way: what both give alike is what the contract means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.curated_tables import CURATED
from schemas.derive.arrow import arrow_schema
from schemas.keys import processed_ledger_key
from schemas.ledger.run import DumpLedger
from schemas.tables import TABLES

_KIND: Final = """case when starts_with(subject_key, 'person:') then 'person'
    when starts_with(subject_key, 'place:') then 'place'
    when starts_with(subject_key, 'time:') then 'time' else 'subject' end"""

#: Columns of a work that may be null: where the newest record has nothing, a listing may.
_FILLED: Final = ", ".join(
    f"coalesce(n.{column.name}, l.{column.name}) as {column.name}"
    for column in CURATED["works"].columns
    if column.nullable and column.name != "cover_edition_key"
)

#: Each is made from the processed tables (prefix ``p_``) and the ones before it.
_STATEMENTS: Final = {
    "known": """
        with dumps as (select * from p_works where source_subject = ''),
        newest as (select coalesce(max(run_id), '') dump from dumps),
        there as (
            select work_key from dumps, newest where run_id = dump
            union select work_key from p_unreadable)
        select p.*, row_number() over (partition by work_key
            order by run_id desc, fetched_at desc, raw_key desc, position desc,
                record_hash desc) nth
        from p_works p, newest where run_id >= dump or (work_key in (from there)
            and (source_subject <> '' or work_key in (from p_unreadable)))""",
    "works": """
        with listed as (
            from known where source_subject <> ''
            qualify row_number() over (partition by work_key order by nth) = 1),
        newest as (
            select * replace (
                if(source_subject = '', null, source_subject) as source_subject,
                if(source_subject = '', null, edition_count) as edition_count,
                if(source_subject = '', null, access_level) as access_level,
                if(source_subject = '', null, ia_collections) as ia_collections),
                if(source_subject = '', 'dump', 'listing') origin
            from known where nth = 1),
        names as (
            select work_key, a.key, first(a.name order by i) as name
            from listed, unnest(authors) with ordinality u(a, i)
            where a.key is not null group by all),
        named as (
            select n.work_key, list({'key': a.key, 'name': coalesce(a.name, m.name)} order by i)
                as authors
            from newest n, unnest(n.authors) with ordinality u(a, i)
            left join names m on m.work_key = n.work_key and m.key = a.key
            where n.origin = 'dump' group by all)
        select n.work_key, coalesce(m.authors, n.authors) authors, n.subjects, n.origin, n.work_url,
            n.record_hash, n.run_id, n.raw_key, n.position, n.fetched_at, n.contract_version,
            coalesce(n.ia_collections, l.ia_collections, []) ia_collections,
            case when n.cover_edition_key is not null then n.cover_edition_key
                when n.cover_id is null or n.cover_id = l.cover_id then l.cover_edition_key
            end cover_edition_key, $filled
        from newest n left join listed l using (work_key) left join named m using (work_key)""",
    "work_subjects": """
        with named as (
            select work_key, s.key subject_key, min(i) - 1 as position
            from works, unnest(subjects) with ordinality u(s, i)
            where s.key is not null group by all),
        newest as (select max(run_id) dump from p_works where source_subject = ''),
        confirmed as (
            select distinct work_key, s.key subject_key
            from p_works join newest on run_id = dump, unnest(subjects) u(s)
            where source_subject = ''),
        older as (
            select work_key, run_id older_dump, [s.key for s in subjects] named
            from p_works, newest
            where source_subject = '' and run_id < dump and work_key in (from p_unreadable)
            qualify row_number() over (partition by work_key order by run_id desc) = 1),
        listed as (
            select work_key, source_subject subject_key, max(run_id) listed_run_id
            from p_works p left join older using (work_key) cross join newest
            where source_subject <> '' and (dump is null or run_id > dump
                or (work_key in (from p_unreadable) and (older_dump is null
                    or run_id > older_dump or list_contains(named, source_subject)))
                or exists (from confirmed c where c.work_key = p.work_key
                    and c.subject_key = p.source_subject))
            group by all)
        select work_key, subject_key, position, listed_run_id
        from named full join listed using (work_key, subject_key)""",
    "work_authors": """
        select work_key, coalesce(a.key, 'name:' || a.name) author_key, min(i) - 1 as position
        from works, unnest(authors) with ordinality u(a, i)
        where coalesce(a.key, a.name) is not null group by all""",
    "authors": """
        with named as (
            select coalesce(a.key, 'name:' || a.name) author_key, a.name, work_key, fetched_at
            from works, unnest(authors) with ordinality u(a, i)),
        newest as (
            select author_key, name, row_number() over (partition by author_key
                order by fetched_at desc, work_key desc, name) nth
            from named where name is not null)
        select author_key, n.name, count(*) works, min(first_publish_year) first_publish_year,
            max(first_publish_year) last_publish_year
        from work_authors join works using (work_key)
        left join newest n using (author_key)
        where coalesce(n.nth, 1) = 1 group by all""",
    "subject_history": """
        with counts as (
            select subject subject_key, * exclude (subject), (
                select count(distinct work_key) from p_works w
                where w.run_id = s.run_id and w.source_subject = s.subject) listed_works
            from p_subject_snapshots s)
        select *, lag(run_id) over w previous_run_id,
            work_count - lag(work_count) over w work_count_delta,
            ebook_count - lag(ebook_count) over w ebook_count_delta
        from counts window w as (partition by subject_key order by run_id)""",
    "subjects": """
        with spelled as (
            select s.key subject_key, s.name, count(*) uses
            from works, unnest(subjects) u(s) where s.key is not null group by all),
        spelling as (
            select subject_key, name from spelled
            qualify row_number() over (partition by subject_key order by uses desc, name) = 1),
        latest as (
            select * from subject_history
            qualify row_number() over (partition by subject_key order by run_id desc) = 1),
        counted as (select subject_key, count(*) works from work_subjects group by all)
        select subject_key, $kind kind, coalesce(l.name, s.name) as name,
            coalesce(works, 0) works, work_count, ebook_count, run_id, fetched_at
        from counted full join latest l using (subject_key) left join spelling s
            using (subject_key)""",
    "subject_pairs": """
        with largest as (
            select subject_key from subjects where works >= $min_works
            order by works desc, subject_key limit $pair_subjects),
        kept as (select * from work_subjects semi join largest using (subject_key)),
        pairs as (
            select a.subject_key a, b.subject_key b, count(*) works
            from kept a join kept b on a.work_key = b.work_key and a.subject_key < b.subject_key
            group by all)
        select a subject_key_a, b subject_key_b, pairs.works, sa.works works_a, sb.works works_b,
            1000 * pairs.works * (select count(*) from works) // (sa.works * sb.works)
                lift_thousandths
        from pairs join subjects sa on sa.subject_key = a join subjects sb on sb.subject_key = b
        where pairs.works >= $min_works
        order by pairs.works desc, a, b limit $pairs""",
    "tracked": """
        (select subject_key from subjects order by works desc, subject_key limit $tracked)
        union select subject_key from subjects where run_id is not null""",
    "publishing_history": """
        with newest as (
            select subject subject_key, max(run_id) run_id from p_subject_facets
            where facet = 'publishing_history' group by all),
        source as (
            select subject subject_key, year, max(count) source_works, f.run_id source_run_id
            from p_subject_facets f join newest n on subject = subject_key and f.run_id = n.run_id
            where facet = 'publishing_history' and year is not null group by all),
        mine as (
            select subject_key, first_publish_year as year, count(*) works
            from work_subjects semi join tracked using (subject_key) join works using (work_key)
            where first_publish_year is not null group by all
            union all
            select '#all', first_publish_year, count(*) from works
            where first_publish_year is not null group by all)
        select subject_key, year, coalesce(works, 0) works, source_works, source_run_id
        from mine full join source using (subject_key, year)""",
    "author_rankings": """
        with scoped as (
            select work_key, subject_key from work_subjects semi join tracked using (subject_key)
            union all select work_key, '#all' from works),
        totals as (
            select subject_key, author_key, count(*) works,
                sum(coalesce(edition_count, 0)) editions
            from scoped join work_authors using (work_key) join works using (work_key)
            group by all)
        select *, row_number() over (partition by subject_key
            order by works desc, editions desc, author_key) as rank
        from totals qualify rank <= $places""",
}


def statements(bounds: dict[str, int]) -> dict[str, str]:
    """Return the query of each table, with its bounds; see :func:`duckdb_tables`."""
    values = {"kind": _KIND, "filled": _FILLED} | {
        name: str(bound) for name, bound in bounds.items()
    }
    made = {}
    for name, statement in _STATEMENTS.items():
        for bound, value in values.items():
            statement = statement.replace(f"${bound}", value)
        made[name] = statement
    return made


def duckdb_tables(processed: Path, bounds: dict[str, int]) -> dict[str, list[dict[str, Any]]]:
    """Make all tables.

    Parameters
    ----------
    processed
        The processed tables.
    bounds
        ``min_works``, ``pair_subjects``, ``pairs``, ``tracked``, ``places``.
    """
    with duckdb.connect() as database:
        for name in ("works", "subject_snapshots", "subject_facets"):
            database.register(f"p_{name}", _processed(processed, name))
        database.register("p_unreadable", _unreadable(processed))
        for name, statement in statements(bounds).items():
            database.execute(f"create table {name} as {statement}")
        return {name: _rows(database, name) for name in CURATED}


def _processed(folder: Path, name: str) -> pa.Table:
    schema = arrow_schema(TABLES[name].columns)
    files = sorted((folder / name).glob("*/*.parquet"))
    if name == "works":
        files += sorted((folder / "dump_works").rglob("*.parquet"))
    found = [pq.ParquetFile(file).read().cast(schema) for file in files]
    return pa.concat_tables([schema.empty_table(), *found])


def _unreadable(processed: Path) -> pa.Table:
    """Return the works that the newest dump has in lines that could not be read."""
    runs = sorted(path.name for path in (processed / "dump_works").glob("*/*"))
    works: list[str] = []
    if runs:
        ledger = processed.parent / processed_ledger_key(runs[-1])
        works = DumpLedger.model_validate_json(ledger.read_bytes()).unreadable_works
    return pa.table({"work_key": pa.array(works, pa.string())})


def _rows(database: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    table = CURATED[name]
    schema = arrow_schema(table.columns)
    columns = ", ".join(f'"{column}"' for column in schema.names)
    order = ", ".join(f'"{column}"' for column in table.key)
    found = database.sql(f"select {columns} from {name} order by {order}")  # noqa: S608
    rows: list[dict[str, Any]] = found.to_arrow_table().cast(schema).to_pylist()
    return rows
