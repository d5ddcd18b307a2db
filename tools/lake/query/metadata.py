"""The tables and views according to their contracts, with their rows and freshness."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from lake.aws import Cloud
from lake.errors import NotDeployedError, UnknownTableError
from lake.etl.curated import read_curated
from lake.query.catalogue import table_names
from lake.query.execute import run_query
from lake.query.tabular import QueryResult
from lake.suggestions import did_you_mean

Kind = Literal["processed", "curated", "view"]

_SHOW_TABLES: Final = re.compile(r"\s*SHOW\s+TABLES\s*;?\s*", re.IGNORECASE)
_DESCRIBE: Final = re.compile(
    r"\s*(?:DESCRIBE|DESC|SHOW\s+COLUMNS\s+(?:FROM|IN))\s+\"?(?P<name>\w+)\"?\s*;?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ColumnMeaning:
    """A column as its contract describes it; unit is empty if it is not a quantity."""

    column: str
    type: str
    unit: str
    description: str


@dataclass(frozen=True)
class TableMeaning:
    """A table or view as its contract describes it."""

    name: str
    kind: Kind
    description: str
    columns: tuple[ColumnMeaning, ...]


@dataclass(frozen=True)
class TableState:
    """A table with its state in an environment; the keys are those of `./lake describe --json`.

    Attributes
    ----------
    rows
        Number of rows; None if it is not in the catalogue yet.
    newest
        Newest day of ingestion of a processed table, time of publication of a curated one.
    """

    table: str
    kind: Kind
    description: str
    rows: int | None = None
    newest: str | None = None
    columns: list[Mapping[str, str]] = field(default_factory=list)


def meanings() -> dict[str, TableMeaning]:
    """Return every table and view by its name in the catalogue."""
    from analytics.catalogue_pages.generate import UNITS
    from analytics.views.definitions import views
    from schemas.curated_tables import CURATED
    from schemas.derive.glue import glue_type
    from schemas.tables import PARTITIONS, TABLES

    def columns(described: Any) -> tuple[ColumnMeaning, ...]:
        return tuple(
            ColumnMeaning(c.name, glue_type(c.type), UNITS.get(c.name, ""), c.description)
            for c in described
        )

    found = [
        TableMeaning(
            t.catalogue_name, "processed", t.description, columns((*t.columns, *PARTITIONS))
        )
        for t in TABLES.values()
    ]
    found += [
        TableMeaning(t.name, "curated", t.description, columns(t.columns)) for t in CURATED.values()
    ]
    for view in views().values():
        own = tuple(ColumnMeaning(c.name, c.type, c.unit, c.description) for c in view.columns)
        found.append(TableMeaning(view.name, "view", view.description, own))
    return {table.name: table for table in found}


def list_tables(cloud: Cloud) -> QueryResult:
    """Return the tables and views, and whether there is anything in them yet."""
    try:
        there = set(table_names(cloud, cloud.parameter("foundation/glue-database")))
    except NotDeployedError:
        there = set()
    rows: list[tuple[Any, ...]] = [
        (m.name, m.kind, m.kind == "view" or m.name in there, m.description)
        for m in meanings().values()
    ]
    return QueryResult(
        ["table", "kind", "exists", "description"],
        ["varchar", "varchar", "boolean", "varchar"],
        rows,
    )


def columns_of(name: str) -> QueryResult:
    """Return the columns of a table or view.

    Raises
    ------
    UnknownTableError
        There is none of that name.
    """
    rows = [tuple(asdict(column).values()) for column in _meaning(name).columns]
    return QueryResult(["column", "type", "unit", "description"], ["varchar"] * 4, rows)


def describe_table(cloud: Cloud, name: str) -> TableState:
    """Return what a table holds, how many rows, and how fresh they are.

    Raises
    ------
    UnknownTableError
        There is none of that name.
    """
    meaning = _meaning(name)
    state = TableState(
        meaning.name,
        meaning.kind,
        meaning.description,
        columns=[asdict(column) for column in meaning.columns],
    )
    newest = "max(ingest_date)" if meaning.kind == "processed" else "NULL"
    try:
        # A name of a contract.
        sql = f"SELECT count(*), {newest} FROM {meaning.name}"  # noqa: S608
        ((rows, day),) = run_query(cloud, sql).rows
    except UnknownTableError:
        return state
    fresh = day if meaning.kind == "processed" else _published_at(cloud)
    return TableState(**{**asdict(state), "rows": rows, "newest": fresh})


def metadata_query(cloud: Cloud, sql: str) -> QueryResult | None:
    """Return the answer to SHOW TABLES, SHOW COLUMNS or DESCRIBE; None for any other statement."""
    if _SHOW_TABLES.fullmatch(sql):
        return list_tables(cloud)
    found = _DESCRIBE.fullmatch(sql)
    return columns_of(found["name"].lower()) if found else None


def _meaning(name: str) -> TableMeaning:
    known = meanings()
    if name not in known:
        raise UnknownTableError(
            f"There is no table {ascii(name)[:60]}.",
            f"{did_you_mean(name, known)}The tables and views are: {', '.join(known)}.",
        )
    return known[name]


def _published_at(cloud: Cloud) -> str | None:
    current = read_curated(cloud, cloud.parameter("foundation/data-bucket")).current
    return f"{current.builds[0].published_at:%Y-%m-%dT%H:%M:%SZ}" if current else None
