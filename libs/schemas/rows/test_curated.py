from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.curated_tables import CURATED, CuratedTable
from schemas.derive.compatibility import breaking_changes, describe
from schemas.derive.glue import glue_comments
from schemas.keys import build_record_key
from schemas.ledger.curated_build import BuildRecord, CurrentBuild, PublishedBuild
from schemas.rows.curated import ALL_WORKS, CuratedWorkRow
from schemas.rows.work import WorkRow
from schemas.source.dump import DUMP_WORK
from schemas.subjects import InvalidSubjectError, canonical_subject
from schemas.tables import TABLES
from schemas.version import CONTRACT_VERSION

RELEASED = Path(__file__).parents[1] / "released"
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)

each_table = pytest.mark.parametrize("table", CURATED.values(), ids=lambda table: table.name)


@each_table
def test_keys_sort_orders_and_references_are_columns(table: CuratedTable) -> None:
    columns = {column.name: column for column in table.columns}

    assert {*table.key, *table.sort, *table.references} <= columns.keys()
    assert not any(columns[name].nullable for name in table.key)
    for target, column in table.references.values():
        assert CURATED[target].key == (column,)


@each_table
def test_what_is_referred_to_is_published_first(table: CuratedTable) -> None:
    order = list(CURATED)

    for target, _ in table.references.values():
        assert order.index(target) < order.index(table.name)


@each_table
def test_comments_fit_the_catalogue(table: CuratedTable) -> None:
    assert max(map(len, glue_comments(table.columns).values())) <= 255


@each_table
def test_readers_of_released_rows_are_not_broken(table: CuratedTable) -> None:
    current = json.loads(json.dumps(describe(table.columns)))
    for path in sorted(RELEASED.glob(f"curated_{table.name}.v*.json")):
        released = json.loads(path.read_text("utf-8"))
        # A build is written anew as a whole, and every engine reads its Parquet by name.
        assert list(breaking_changes(released, current, by_name=True)) == []
    newest = RELEASED / f"curated_{table.name}.v{CONTRACT_VERSION}.json"
    assert json.loads(newest.read_text("utf-8")) == current


def test_no_catalogue_name_is_taken_by_a_processed_table() -> None:
    names = [table.catalogue_name for table in TABLES.values()]

    assert CURATED.keys().isdisjoint(names)
    assert len(set(names)) == len(names)


def test_a_curated_work_has_every_column_of_a_processed_one() -> None:
    assert CuratedWorkRow.model_fields.keys() - WorkRow.model_fields.keys() == {"origin"}


def test_a_table_s_catalogue_entry_names_its_location_and_describes_its_columns() -> None:
    table = CURATED["subject_pairs"]

    made = table.table_input("s3://lake/curated_data/" + table.folder("b-1"))

    storage = made["StorageDescriptor"]
    assert made["Name"] == "subject_pairs"
    assert storage["Location"] == "s3://lake/curated_data/subject_pairs/build=b-1/"
    assert [column["Name"] for column in storage["Columns"]][:3] == [
        "subject_key_a",
        "subject_key_b",
        "works",
    ]
    assert all(column["Comment"] for column in storage["Columns"])


def make_record(build: str) -> BuildRecord:
    return BuildRecord(
        build=build,
        previous=None,
        mode="full",
        runs={},
        new_runs=[],
        tables={},
        rules=[],
        contract_version="1",
        service_version="0.1.0",
        created_at=NOW,
    )


def test_equal_records_give_equal_bytes_and_are_read_back() -> None:
    record = make_record("b-1")

    assert BuildRecord.model_validate_json(record.model_dump_json()) == record
    assert build_record_key("b-1") == "curated_data/_builds/b-1.json"


@pytest.mark.parametrize("build", ["", "../b", "a/b", "b=1", "_b", "b" * 81])
def test_a_build_id_cannot_leave_its_place(build: str) -> None:
    with pytest.raises(ValidationError, match="build"):
        make_record(build)


def test_the_current_build_is_the_first() -> None:
    builds = [PublishedBuild(build=name, published_at=NOW) for name in ("b-2", "b-1")]

    assert CurrentBuild(builds=builds).build == "b-2"
    with pytest.raises(ValidationError):
        CurrentBuild(builds=[])


@pytest.mark.parametrize(
    "author",
    [
        {"type": "/type/author_role", "author": {"key": "/authors/OL1A"}},
        {"type": {"key": "/type/author_role"}, "author": {"key": "/authors/OL1A"}},
        {"author": "/authors/OL1A"},
    ],
)
def test_an_author_of_a_dump_is_read_in_every_form(author: object) -> None:
    work = DUMP_WORK.validate_python({"key": "/works/OL1W", "title": "Emma", "authors": [author]})

    assert work["authors"] == [{"author": "/authors/OL1A"}]


def test_a_dump_s_work_may_lack_nearly_all() -> None:
    work = DUMP_WORK.validate_python({"key": "/works/OL1W", "title": "", "description": {}})

    assert {value for name, value in work.items() if name not in {"key", "title"}} == {None}


@pytest.mark.parametrize("damaged", [{"key": "/books/OL1M"}, {"title": None}, {"covers": "7"}])
def test_a_dump_s_work_that_breaks_the_contract_is_refused(damaged: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DUMP_WORK.validate_python({"key": "/works/OL1W", "title": "Emma"} | damaged)


@pytest.mark.parametrize("name", [ALL_WORKS, "*", "#", "All", "# all", "person:#all"])
def test_no_subject_key_can_be_the_scope_of_all_works(name: str) -> None:
    try:
        key = canonical_subject(name)
    except InvalidSubjectError:
        key = ""

    assert key != ALL_WORKS
    assert "#" not in key
