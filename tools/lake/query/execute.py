"""Queries over the lake: Athena on AWS, DuckDB over the same catalogue on the local AWS.

The dialect is Athena's in both. DuckDB gets the tables as pyarrow datasets and nothing else: it can
open no file, load no extension, and its configuration is locked before the statement runs.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from lake.aws import LOCAL_REGION, Cloud
from lake.errors import NotDeployedError, QueryError, UnknownTableError
from lake.query import catalogue
from lake.query.builtin_views import (
    builtin_names,
    builtin_view,
    referenced_views,
    with_views,
)
from lake.query.dialect.same_values import DOUBLE_TEXT_MACRO, failure
from lake.query.dialect.statement import Statement, TableReference, parse
from lake.query.dialect.translate import UNNAMED, to_duckdb
from lake.query.one_build import at_one_build
from lake.query.tabular import QueryResult
from lake.query.values import values
from lake.suggestions import did_you_mean
from schemas.curated_tables import CURATED

__all__ = ["QueryResult", "run_query"]

CATALOG = "awsdatacatalog"
# As works was called while the rows of all runs had that name.
FORMER_WORKS = "curated_works"
_TYPES = {'"NULL"': "unknown"}
_SETTINGS = (
    "SET python_enable_replacements = false",
    "SET allow_community_extensions = false",
    "SET TimeZone = 'UTC'",
    # As in Athena: 7 / 2 is 3.
    "SET integer_division = true",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def run_query(
    cloud: Cloud, sql: str, filesystem: Any = None, as_of: str | None = None
) -> QueryResult:
    """Run one query and return all of its rows.

    Parameters
    ----------
    cloud
        Where the lake is.
    sql
        One SELECT (also WITH, UNION, VALUES) in Athena's dialect.
    filesystem
        For the local AWS: a pyarrow filesystem whose paths are `<bucket>/<key>`, instead of its S3.
    as_of
        For the local AWS: an older build of the curated tables, or a run whose build it was.

    Raises
    ------
    QueryError
        The statement is not one query over the lake's tables, or it failed.
    """
    statement = parse(sql)
    if not cloud.is_local:
        from lake.query.athena import run_on_athena

        if as_of:
            raise QueryError(
                "Athena reads the current build alone.",
                f"To read an older one, go back to it: {cloud.command('etl --pin BUILD')}",
            )
        return run_on_athena(cloud, _with_missing_views(cloud, statement).sql)
    try:
        database = cloud.parameter("foundation/glue-database")
    except NotDeployedError as error:
        raise QueryError(
            f"There is no catalogue yet: {error.message}",
            f"Run './lake demo', or '{cloud.command('deploy')}'.",
        ) from error
    tables = at_one_build(cloud, _tables(cloud, database, statement), as_of)
    return _run(cloud, database, statement, tables, filesystem)


def s3_filesystem(cloud: Cloud) -> Any:
    """Return the S3 of the local AWS as a pyarrow filesystem."""
    from pyarrow.fs import S3FileSystem

    endpoint = urlsplit(str(cloud.endpoint))
    return S3FileSystem(
        access_key="local",
        secret_key="local",  # noqa: S106 (the local AWS checks no secret)
        region=LOCAL_REGION,
        scheme=endpoint.scheme,
        endpoint_override=endpoint.netloc,
        connect_timeout=2,
        request_timeout=120,
    )


def _tables(
    cloud: Cloud, database: str, statement: Statement, inside: tuple[str, ...] = ()
) -> dict[str, catalogue.CatalogueTable]:
    """Return the statement's tables by name, each view after the tables that it reads.

    Raises
    ------
    QueryError
        It names a table that is not in the catalogue, or a view that refers to itself.
    """
    named, maybe_own = statement.references()
    found: dict[str, catalogue.CatalogueTable] = {}
    for reference in sorted(named, key=str):
        table = None
        if reference.catalog in ("", CATALOG) and reference.database in ("", database):
            table = catalogue.find_table(cloud, database, reference.name)
            if table is None and reference not in maybe_own:
                table = builtin_view(reference.name)
        if table is not None:
            if reference.name in inside:
                raise QueryError(f"The view {reference.name} refers to itself.")
            if table.view_sql is not None:
                part = parse(table.view_sql)
                found = _tables(cloud, database, part, (*inside, reference.name)) | found
            found[reference.name] = table
        elif reference not in maybe_own:
            raise _unknown_table(cloud, database, reference)
    return found


def _with_missing_views(cloud: Cloud, statement: Statement) -> Statement:
    """Return a statement for Athena that brings the views along that are not deployed."""
    named = referenced_views(statement)
    if not named:
        return statement
    database = cloud.parameter("foundation/glue-database")
    missing = [name for name in named if catalogue.find_table(cloud, database, name) is None]
    return with_views(statement, missing)


def _unknown_table(cloud: Cloud, database: str, reference: TableReference) -> UnknownTableError:
    names = catalogue.table_names(cloud, database)
    if not names:
        return UnknownTableError(
            f"There is no table {str(reference)!r}: the catalogue is empty.",
            "Tables appear when the first pages are processed: './lake demo' makes a run.",
        )
    if str(reference) in CURATED:
        return UnknownTableError(
            f"There is no table {reference.name!r} yet: no curated tables were built.",
            f"Build them with '{cloud.command('etl')}'. Until then crawled_works has the rows of"
            " the runs.",
        )
    if str(reference) == FORMER_WORKS:
        return UnknownTableError(f"The table {FORMER_WORKS} is called works now.", "Ask works.")
    views = builtin_names()
    return UnknownTableError(
        f"There is no table {str(reference)!r}.",
        f"{did_you_mean(reference.name, [*names, *views])}"
        f"The tables of database {database} are: {', '.join(names)}. Views: {', '.join(views)}.",
    )


def _run(
    cloud: Cloud,
    database: str,
    statement: Statement,
    tables: dict[str, catalogue.CatalogueTable],
    filesystem: Any,
) -> QueryResult:
    import duckdb
    import pyarrow as pa

    types = {name: table.types for name, table in tables.items()}
    translated = to_duckdb(statement, types)
    views = {
        name: to_duckdb(parse(table.view_sql), types)
        for name, table in tables.items()
        if table.view_sql is not None
    }
    try:
        if tables and filesystem is None:
            filesystem = s3_filesystem(cloud)
        datasets = {
            name: catalogue.dataset(cloud, database, table, filesystem)
            for name, table in tables.items()
            if name not in views
        }
        with _engine(database, datasets, views) as connection:
            return _fetch(connection, statement, translated)
    except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
        raise QueryError(_reason(error)) from error


def _engine(database: str, datasets: dict[str, Any], views: dict[str, str]) -> Any:
    """Return a DuckDB with exactly these tables and views, under their names in Athena.

    A view comes after those that it reads.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            # No temporary folder: what does not fit in memory is an error, not a file somewhere.
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    schema = f"{CATALOG}.{_quoted(database)}"
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    connection.execute(f"CREATE SCHEMA {schema}")
    for number, (name, dataset) in enumerate(datasets.items()):
        source = f"_lake_{number}"
        connection.register(source, dataset)
        connection.execute(f"CREATE VIEW {schema}.{_quoted(name)} AS FROM {source}")
    connection.execute(f"USE {schema}")
    connection.execute(DOUBLE_TEXT_MACRO)
    for setting in _SETTINGS:
        connection.execute(setting)
    # Last: the meaning of a division is fixed when a view is created.
    for name, sql in views.items():
        connection.execute(f"CREATE VIEW {schema}.{_quoted(name)} AS {sql}")
    return connection


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fetch(connection: Any, statement: Statement, translated: str) -> QueryResult:
    import duckdb

    # The engine that runs it decides what kind of statement it is.
    kinds = [found.type for found in connection.extract_statements(translated)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise QueryError("The statement is not one query.")
    relation = connection.sql(translated)
    types = [_athena_type(str(kind)) for kind in relation.types]
    found = relation.to_arrow_table()
    columns = [
        values(column, str(kind))
        for column, kind in zip(found.columns, relation.types, strict=True)
    ]
    rows = list(zip(*columns, strict=True)) if found.num_rows else []
    return QueryResult(_names(statement, found.column_names), types, rows)


def _names(statement: Statement, names: list[str]) -> list[str]:
    """Return the column names; unnamed columns as Athena names them."""
    return [
        f"_col{position}" if statement.is_values or name.startswith(UNNAMED) else name
        for position, name in enumerate(names)
    ]


def _athena_type(duckdb_type: str) -> str:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    # "NULL" (quoted so) is the type of a bare null.
    if duckdb_type in _TYPES:
        return _TYPES[duckdb_type]
    try:
        # DuckDB counts a histogram without a sign, which Athena's types have, sums in 128 bits, and
        # names the digits of a second.
        signed = re.sub("UBIGINT|HUGEINT", "BIGINT", duckdb_type)
        signed = re.sub("TIMESTAMP_(?:S|MS|NS)", "TIMESTAMP", signed)
        return str(exp.DataType.build(signed, dialect="duckdb").sql(dialect="trino")).lower()
    except SqlglotError:
        return duckdb_type.lower()


def _reason(error: Exception) -> str:
    """Return an engine's message without its advice and without generated SQL."""
    text = " ".join(str(error).split("\n\nLINE ")[0].split())
    # "Use ..." advises to change settings, which are locked.
    text = re.split(r" \(?Use (?=\"|TRY|SET)", text)[0]
    text = re.sub(r"reading the stream registered as '\w+' failed: \w+: ", "", text)
    missing = re.match(r"Catalog Error: (?:Scalar|Aggregate) Function with name (\S+) ", text)
    if missing:
        return f"DuckDB, which answers locally, has no function {missing[1]}."
    return "The query failed: " + (failure(text) or re.sub(r"^(\w+ )+Error: ", "", text))
