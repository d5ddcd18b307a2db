from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import Mock

import awswrangler as wr
import boto3
import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from process.adapters.sessions import MemoisingSession
from process.adapters.table_store import KNOWN_SECONDS, GlueTableStore
from process.errors import (
    CatalogueDeniedError,
    CatalogueError,
    SchemaConflictError,
    StorageDeniedError,
    StorageError,
)
from process.testing.pages import BUCKET
from schemas.derive.glue import glue_columns
from schemas.tables import PARTITIONS, TABLES, WORKS, Table

DAY = "2026-11-23"


@pytest.fixture
def glue(_aws: None) -> Any:
    client = boto3.client("glue")
    client.create_database(DatabaseInput={"Name": "lake"})
    return client


@pytest.fixture
def catalogue(glue: Any) -> GlueTableStore:
    return new_catalogue()


def new_catalogue() -> GlueTableStore:
    return GlueTableStore(MemoisingSession(), BUCKET, "lake")


def definition(glue: Any, name: str = WORKS.catalogue_name) -> dict[str, Any]:
    found: dict[str, Any] = glue.get_table(DatabaseName="lake", Name=name)["Table"]
    return found


@dataclass
class Calls:
    """Counts the AWS calls of a session by name."""

    names: list[str]

    def __call__(self, model: Any, **_: Any) -> None:
        self.names.append(model.name)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_missing_table_is_made_as_the_contract_says(glue: Any, table: Table) -> None:
    new_catalogue().register(table, DAY)

    found = definition(glue, table.catalogue_name)
    assert found["Description"] == table.description
    assert found["StorageDescriptor"]["Columns"] == glue_columns(table.columns)
    assert found["PartitionKeys"] == glue_columns(PARTITIONS)
    assert found["StorageDescriptor"]["Location"] == f"s3://{BUCKET}/{table.location}"


def test_the_quarantine_is_read_as_json_lines(glue: Any, catalogue: GlueTableStore) -> None:
    catalogue.register(TABLES["quarantine"], DAY)

    serde = definition(glue, "quarantine")["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"


def test_registering_again_changes_nothing(glue: Any) -> None:
    new_catalogue().register(WORKS, DAY)
    before = definition(glue)

    new_catalogue().register(WORKS, DAY)

    assert definition(glue) == before
    assert (
        len(glue.get_partitions(DatabaseName="lake", TableName=WORKS.catalogue_name)["Partitions"])
        == 1
    )


def test_a_known_partition_costs_no_call(glue: Any) -> None:
    session = MemoisingSession()
    catalogue = GlueTableStore(session, BUCKET, "lake")
    catalogue.register(WORKS, DAY)
    calls = Calls([])
    session.client("glue").meta.events.register("before-call", calls)

    catalogue.register(WORKS, DAY)

    assert calls.names == []


def test_a_new_day_costs_one_call(glue: Any) -> None:
    session = MemoisingSession()
    catalogue = GlueTableStore(session, BUCKET, "lake")
    catalogue.register(WORKS, DAY)
    calls = Calls([])
    session.client("glue").meta.events.register("before-call", calls)

    catalogue.register(WORKS, "2026-11-24")

    assert calls.names == ["BatchCreatePartition"]


def test_containers_that_start_at_once_make_one_table(glue: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: new_catalogue().register(WORKS, DAY), range(8)))

    assert len(definition(glue)["StorageDescriptor"]["Columns"]) == len(WORKS.columns)


class Older(BaseModel):
    work_key: str = Field(description="key")


class Newer(Older):
    names: list[str] = Field(description="names")


class Other(BaseModel):
    work_key: list[str] = Field(description="key")


def table_of(row: type[BaseModel]) -> Table:
    return replace(WORKS, row=row)


def test_a_new_column_is_added_with_its_comment(glue: Any) -> None:
    new_catalogue().register(table_of(Older), DAY)

    new_catalogue().register(table_of(Newer), DAY)

    assert definition(glue)["StorageDescriptor"]["Columns"][1] == {
        "Name": "names",
        "Type": "array<string>",
        "Comment": "names",
    }


def test_a_column_is_added_to_a_table_without_an_owner(glue: Any) -> None:
    """GIVEN a catalogue that shows no owner as an empty text, which its input refuses."""
    new_catalogue().register(table_of(Older), DAY)
    session = MemoisingSession()

    def show_empty_owner(parsed: dict[str, Any], **_: Any) -> None:
        parsed.get("Table", {})["Owner"] = ""

    session.client("glue").meta.events.register("after-call.glue.GetTable", show_empty_owner)
    GlueTableStore(session, BUCKET, "lake").register(table_of(Newer), DAY)

    assert column_names(glue) == ["work_key", "names"]


def test_an_older_contract_leaves_newer_columns(glue: Any) -> None:
    new_catalogue().register(table_of(Newer), DAY)

    new_catalogue().register(table_of(Older), DAY)

    assert len(definition(glue)["StorageDescriptor"]["Columns"]) == 2


def test_a_changed_type_is_refused(glue: Any) -> None:
    new_catalogue().register(table_of(Older), DAY)

    with pytest.raises(SchemaConflictError, match=r"work_key is string .* and array<string>"):
        new_catalogue().register(table_of(Other), DAY)


@pytest.mark.usefixtures("_aws")
def test_a_missing_database_says_so() -> None:
    with pytest.raises(CatalogueError, match="works"):
        new_catalogue().register(WORKS, DAY)


@contextmanager
def refused(client: Any, operation: str, code: str) -> Iterator[None]:
    """Have a client's calls of an operation refused."""

    def refusal(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    event = f"before-call.{client.meta.service_model.service_name}.{operation}"
    client.meta.events.register(event, refusal)
    try:
        yield
    finally:
        client.meta.events.unregister(event, refusal)


@pytest.mark.parametrize(
    ("operation", "code", "expected", "said"),
    [
        (
            "GetTable",
            "AccessDeniedException",
            CatalogueDeniedError,
            "Glue denied GetTable on table",
        ),
        (
            "BatchCreatePartition",
            "AccessDeniedException",
            CatalogueDeniedError,
            f"Glue denied BatchCreatePartition on table {WORKS.catalogue_name}; give",
        ),
        ("GetTable", "ThrottlingException", CatalogueError, "the catalogue failed on table"),
        ("GetTable", "ExpiredTokenException", CatalogueError, "the catalogue failed on table"),
    ],
)
@pytest.mark.usefixtures("glue")
def test_a_right_that_the_catalogue_misses_is_terminal(
    operation: str, code: str, expected: type[Exception], said: str
) -> None:
    session = MemoisingSession()
    catalogue = session.client("glue")

    with pytest.raises(expected, match=said), refused(catalogue, operation, code):
        GlueTableStore(session, BUCKET, "lake").register(WORKS, DAY)


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        ("AccessDenied", StorageDeniedError, "S3 denied PutObject on a.parquet; give"),
        ("SlowDown", StorageError, "S3 failed on a.parquet"),
    ],
)
@pytest.mark.usefixtures("_aws")
def test_rows_that_may_not_be_written_are_told_from_a_busy_bucket(
    code: str, expected: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not at S3's own call: awswrangler's writer would put once more when it is collected.
    refusal = ClientError({"Error": {"Code": code, "Message": "no"}}, "PutObject")
    monkeypatch.setattr(wr.s3, "upload", Mock(side_effect=refusal))

    with pytest.raises(expected, match=said):
        new_catalogue().write(WORKS, "a.parquet", pa.table({"work_key": ["/works/OL1W"]}))


class Reordered(BaseModel):
    names: list[str] = Field(description="names")
    work_key: str = Field(description="key")


class Apart(Older):
    other: str | None = Field(description="other")


def column_names(glue: Any) -> list[str]:
    return [column["Name"] for column in definition(glue)["StorageDescriptor"]["Columns"]]


def test_a_column_put_mid_contract_is_appended_and_partitions_take_the_tables_order(
    glue: Any,
) -> None:
    new_catalogue().register(table_of(Older), DAY)

    new_catalogue().register(table_of(Reordered), "2026-11-24")

    (new,) = glue.get_partitions(
        DatabaseName="lake", TableName=WORKS.catalogue_name, Expression="ingest_date = '2026-11-24'"
    )["Partitions"]
    assert column_names(glue) == ["work_key", "names"]
    names = [column["Name"] for column in new["StorageDescriptor"]["Columns"]]
    assert names == ["work_key", "names"]


def test_a_type_that_is_written_otherwise_is_the_same_type(glue: Any) -> None:
    new_catalogue().register(table_of(Newer), DAY)
    found = definition(glue)
    columns = found["StorageDescriptor"]["Columns"]
    columns[1]["Type"] = "ARRAY< string >"
    storage = {**found["StorageDescriptor"], "Columns": columns}
    kept = {
        "Name": found["Name"],
        "StorageDescriptor": storage,
        "PartitionKeys": found["PartitionKeys"],
    }
    glue.update_table(DatabaseName="lake", TableInput=kept)

    class Newest(Newer):
        more: str | None = Field(description="more")

    new_catalogue().register(table_of(Newest), "2026-11-24")

    assert column_names(glue) == ["work_key", "names", "more"]


def test_containers_that_extend_at_once_lose_no_column(glue: Any) -> None:
    new_catalogue().register(table_of(Older), DAY)
    session = MemoisingSession()
    first = GlueTableStore(session, BUCKET, "lake")
    raced: list[str] = []

    def overtake(model: Any, **_: Any) -> None:
        if model.name == "UpdateTable" and not raced:
            raced.append(model.name)
            new_catalogue().register(table_of(Apart), DAY)

    session.client("glue").meta.events.register("before-call", overtake)
    first.register(table_of(Newer), DAY)
    # The one that was overtaken looks again when its time is over.
    new_catalogue().register(table_of(Apart), DAY)

    assert sorted(column_names(glue)) == ["names", "other", "work_key"]


@pytest.mark.parametrize("dropped", ["table", "partition"])
def test_what_is_dropped_is_made_again_by_a_warm_container(glue: Any, dropped: str) -> None:
    now = [0.0]
    catalogue = GlueTableStore(MemoisingSession(), BUCKET, "lake", lambda: now[0])
    catalogue.register(WORKS, DAY)
    if dropped == "table":
        glue.delete_table(DatabaseName="lake", Name=WORKS.catalogue_name)
    else:
        glue.delete_partition(
            DatabaseName="lake", TableName=WORKS.catalogue_name, PartitionValues=[DAY]
        )

    now[0] += KNOWN_SECONDS
    catalogue.register(WORKS, DAY)

    assert (
        len(glue.get_partitions(DatabaseName="lake", TableName=WORKS.catalogue_name)["Partitions"])
        == 1
    )


def test_a_dropped_table_is_made_again_for_a_day_that_a_container_has_not_seen(glue: Any) -> None:
    catalogue = new_catalogue()
    catalogue.register(WORKS, DAY)
    glue.delete_table(DatabaseName="lake", Name=WORKS.catalogue_name)

    with pytest.raises(CatalogueError):
        catalogue.register(WORKS, "2026-11-24")
    catalogue.register(WORKS, "2026-11-24")

    assert definition(glue)["Description"] == WORKS.description


def test_a_partition_of_a_later_day_has_the_columns_that_another_container_added(glue: Any) -> None:
    now = [0.0]
    older = GlueTableStore(MemoisingSession(), BUCKET, "lake", lambda: now[0])
    older.register(table_of(Older), DAY)
    new_catalogue().register(table_of(Newer), DAY)

    now[0] += KNOWN_SECONDS
    older.register(table_of(Older), "2026-11-24")

    partition = glue.get_partition(
        DatabaseName="lake", TableName=WORKS.catalogue_name, PartitionValues=["2026-11-24"]
    )["Partition"]
    assert [one["Name"] for one in partition["StorageDescriptor"]["Columns"]] == column_names(glue)


def test_a_column_that_does_not_stay_is_an_error_and_not_a_loss(
    glue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_catalogue().register(table_of(Older), DAY)
    store = new_catalogue()
    monkeypatch.setattr(store, "_append", lambda *_: None)

    with pytest.raises(CatalogueError, match="did not keep the columns"):
        store.register(table_of(Newer), DAY)
