"""What each view gives, beside the same counted row by row in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from analytics.views.definitions import View, views
from lake.testing.fake_lake import Lake
from schemas.keys import parse_run_id
from schemas.subjects import subject_kind
from tests.views.tables import RUNS, Row, Tables

Oracle = Callable[[Tables], Iterable[tuple[Any, ...]]]
READABLE = ("open", "borrowable")


def _by(rows: list[Row], key: str) -> dict[str, Row]:
    return {row[key]: row for row in rows}


def _label(tables: Tables, key: str) -> str:
    if key == "#all":
        return "All works"
    name = _by(tables.rows["subjects"], "subject_key")[key]["name"] or key
    kind = subject_kind(key)
    return name if kind == "subject" else f"{name} ({kind})"


def _topic(key: str) -> str:
    return key if subject_kind(key) == "subject" else key.partition(":")[2]


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _crawled(tables: Tables) -> list[Row]:
    return [row for row in tables.rows["subjects"] if row["run_id"] is not None]


def _tracked(tables: Tables, table: str) -> list[Row]:
    keys = {"#all"} | {row["subject_key"] for row in _crawled(tables)}
    return [row for row in tables.rows[table] if row["subject_key"] in keys]


def lake_summary(tables: Tables) -> Iterable[tuple[Any, ...]]:
    works, history = tables.rows["works"], tables.rows["subject_history"]
    yield (
        len(works),
        sum(work["access_level"] in READABLE for work in works),
        sum(work["source_subject"] is None for work in works),
        len(tables.rows["authors"]),
        len(tables.rows["subjects"]),
        len(_crawled(tables)),
        len(RUNS),
        RUNS[-1],
        _naive(max(row["fetched_at"] for row in history)),
    )


def subject_overview(tables: Tables) -> Iterable[tuple[Any, ...]]:
    for row in sorted(_crawled(tables), key=lambda r: (-r["work_count"], r["subject_key"])):
        yield (
            row["subject_key"],
            _label(tables, row["subject_key"]),
            row["kind"],
            row["work_count"],
            row["ebook_count"],
            row["works"],
            row["run_id"],
            _naive(row["fetched_at"]),
        )


def subject_growth(tables: Tables) -> Iterable[tuple[Any, ...]]:
    rows = tables.rows["subject_history"]
    for row in sorted(rows, key=lambda r: (r["run_id"], r["subject_key"])):
        delta = row["work_count_delta"]
        before = None if delta is None else row["work_count"] - delta
        yield (
            row["subject_key"],
            _label(tables, row["subject_key"]),
            row["run_id"],
            _naive(parse_run_id(row["run_id"])),
            row["work_count"],
            delta,
            row["ebook_count_delta"],
            delta / before if before else None,
        )


def works_by_decade(tables: Tables) -> Iterable[tuple[Any, ...]]:
    found = Counter(
        (work["first_publish_year"] // 10 * 10, work["access_level"] or "unknown")
        for work in tables.rows["works"]
        if work["first_publish_year"] is not None
    )
    return ((*key, count) for key, count in sorted(found.items()))


def ebook_share(tables: Tables) -> Iterable[tuple[Any, ...]]:
    rows = [r for r in _crawled(tables) if r["work_count"] and r["ebook_count"] is not None]
    for row in sorted(rows, key=lambda r: (-r["ebook_count"] / r["work_count"], r["subject_key"])):
        works, ebooks = row["work_count"], row["ebook_count"]
        key = row["subject_key"]
        yield key, _label(tables, key), works, ebooks, ebooks / works


def top_authors(tables: Tables) -> Iterable[tuple[Any, ...]]:
    names = _by(tables.rows["authors"], "author_key")
    rows = [row for row in _tracked(tables, "author_rankings") if row["rank"] <= 10]
    for row in sorted(rows, key=lambda r: (r["subject_key"], r["rank"])):
        key, author = row["subject_key"], row["author_key"]
        name = names[author]["name"] or author
        yield key, _label(tables, key), row["rank"], author, name, row["works"], row["editions"]


def top_works(tables: Tables) -> Iterable[tuple[Any, ...]]:
    works = _by(tables.rows["works"], "work_key")
    names = {row["author_key"]: row["name"] for row in tables.rows["authors"]}
    authors = defaultdict(list)
    for row in tables.rows["work_authors"]:
        authors[row["work_key"]].append(row["author_key"])
    members = {"#all": set(works)}
    for row in tables.rows["work_subjects"]:
        members.setdefault(row["subject_key"], set()).add(row["work_key"])
    for key in sorted({"#all"} | {row["subject_key"] for row in _crawled(tables)}):
        listed = [works[work] for work in members.get(key, ())]
        listed.sort(key=lambda work: (-(work["edition_count"] or 0), work["work_key"]))
        for place, work in enumerate(listed[:20], 1):
            yield (
                key,
                _label(tables, key),
                place,
                work["work_key"],
                work["title"] or work["work_key"],
                names[min(found)] if (found := authors[work["work_key"]]) else None,
                work["first_publish_year"],
                work["edition_count"],
                work["access_level"] or "unknown",
            )


def frequent_subject_pairs(tables: Tables) -> Iterable[tuple[Any, ...]]:
    rows = [
        row
        for row in tables.rows["subject_pairs"]
        if row["lift_thousandths"] >= 2000
        and _topic(row["subject_key_a"]) != _topic(row["subject_key_b"])
    ]
    rows.sort(key=lambda r: (-r["works"], r["subject_key_a"], r["subject_key_b"]))
    first: dict[frozenset[str], Row] = {}
    for row in rows:
        topics = frozenset((_topic(row["subject_key_a"]), _topic(row["subject_key_b"])))
        first.setdefault(topics, row)
    for row in list(first.values())[:50]:
        a, b = row["subject_key_a"], row["subject_key_b"]
        pair = f"{_label(tables, a)} + {_label(tables, b)}"
        yield pair, a, b, row["works"], row["lift_thousandths"] / 1000


def publishing_trend(tables: Tables) -> Iterable[tuple[Any, ...]]:
    rows = _tracked(tables, "publishing_history")
    for row in sorted(rows, key=lambda r: (r["subject_key"], r["year"])):
        key = row["subject_key"]
        yield key, _label(tables, key), row["year"], row["works"], row["source_works"]


def run_health(tables: Tables) -> Iterable[tuple[Any, ...]]:
    came = defaultdict(set)
    for work in tables.rows["crawled_works"]:
        came[work["run_id"], work["source_subject"]].add(work["work_key"])
    for run_id in RUNS[::-1]:
        counts = [r for r in tables.rows["subject_snapshots"] if r["run_id"] == run_id]
        held = [len(came[run_id, row["subject"]]) for row in counts]
        rejected = sum(row["run_id"] == run_id for row in tables.rows["quarantine"])
        yield (
            run_id,
            _naive(parse_run_id(run_id)),
            _naive(max(row["fetched_at"] for row in counts)),
            len(counts),
            sum(have < row["work_count"] for have, row in zip(held, counts, strict=True)),
            sum(row["work_count"] for row in counts),
            sum(held),
            rejected,
            rejected / (rejected + sum(held)),
        )


def quarantine_by_reason(tables: Tables) -> Iterable[tuple[Any, ...]]:
    found = defaultdict(list)
    for row in tables.rows["quarantine"]:
        found[row["reason_code"], row["table_name"]].append(row)
    for key, rows in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        runs = {row["run_id"] for row in rows}
        yield *key, len(rows), len(runs), max(runs), min(row["reason_message"] for row in rows)


def data_freshness(tables: Tables) -> Iterable[tuple[Any, ...]]:
    stages = {
        "curated: subject_history": (tables.rows["subject_history"], "subject_key"),
        "processed: subject_snapshots": (
            [row for row in tables.rows["subject_snapshots"] if row["run_id"] == RUNS[-1]],
            "subject",
        ),
    }
    for stage, (rows, subject) in stages.items():
        newest = _naive(max(row["fetched_at"] for row in rows))
        yield stage, RUNS[-1], newest, len({row[subject] for row in rows})


ORACLES: dict[str, Oracle] = {
    oracle.__name__: oracle
    for oracle in (
        lake_summary,
        subject_overview,
        subject_growth,
        works_by_decade,
        ebook_share,
        top_authors,
        top_works,
        frequent_subject_pairs,
        publishing_trend,
        run_health,
        quarantine_by_reason,
        data_freshness,
    )
}


@pytest.mark.parametrize("name", views())
def test_a_view_gives_what_python_counts(lake: Lake, tables: Tables, name: str) -> None:
    expected = list(ORACLES[name](tables))

    found = lake.rows(views()[name].sql)

    assert found == expected
    assert found


@pytest.mark.parametrize("name", views())
def test_the_columns_are_those_described(lake: Lake, name: str) -> None:
    found = lake.result(views()[name].sql)

    described = [(column.name, column.type) for column in views()[name].columns]
    assert list(zip(found.columns, found.types, strict=True)) == described


@pytest.mark.parametrize("name", views())
def test_a_view_of_an_empty_lake_is_empty(empty_lake: Lake, name: str) -> None:
    found = empty_lake.result(views()[name].sql)

    described = [(column.name, column.type) for column in views()[name].columns]
    assert list(zip(found.columns, found.types, strict=True)) == described
    texts = {cell for row in found.rows for cell in row if not isinstance(cell, int)}
    assert texts <= {None, "curated: subject_history", "processed: subject_snapshots"}


def test_all_views_are_found() -> None:
    assert set(views()) == set(ORACLES)
    assert all(isinstance(view, View) for view in views().values())


@pytest.mark.parametrize("name", views())
def test_a_view_gives_the_same_untranslated(lake: Lake, tables: Tables, name: str) -> None:
    """GIVEN the text as it is WHEN an engine of another dialect runs it THEN nothing differs."""
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for table, stored in tables.stored.items():
            files = str(tables.root / table / ("*/*" if stored.days else "*"))
            read = "read_json" if stored.format == "json" else "read_parquet"
            # The catalogue has days as texts; DuckDB would take the folders' names for dates.
            days = ", hive_types_autocast=false" if stored.days else ""
            engine.execute(f"CREATE VIEW {table} AS FROM {read}('{files}'{days})")
        relation = engine.sql(views()[name].sql)
        columns, found = relation.columns, relation.to_arrow_table().to_pylist()

    translated = lake.result(views()[name].sql)
    assert columns == translated.columns
    assert [tuple(map(_without_zone, row.values())) for row in found] == translated.rows


def _without_zone(value: Any) -> Any:
    return _naive(value) if isinstance(value, datetime) and value.tzinfo else value
