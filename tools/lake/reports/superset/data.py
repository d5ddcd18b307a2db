"""The lake as one DuckDB file: the views, and the tables that they read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analytics.views.definitions import View, views
from lake.aws import Cloud
from lake.errors import QueryError, SupersetError
from lake.query import catalogue
from lake.query.dialect.statement import parse
from lake.query.dialect.translate import to_duckdb
from lake.query.execute import s3_filesystem
from lake.steps import Say

SCHEMA = "main"
#: Superset's DuckDB is older than the lake's, and reads this version.
STORAGE_VERSION = "v1.2.0"


def write_lake(cloud: Cloud, path: Path, on_step: Say, filesystem: Any = None) -> None:
    """Write the file; an existing one is replaced when the new one is complete.

    Parameters
    ----------
    filesystem
        A pyarrow filesystem whose paths are `<bucket>/<key>`, instead of the local AWS.

    Raises
    ------
    SupersetError
        There are no curated tables, or they could not be read.
    """
    import duckdb
    import pyarrow as pa

    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    try:
        database = cloud.parameter("foundation/glue-database")
        tables = list(_tables(cloud, database))
        datasets = filesystem or s3_filesystem(cloud)
        with duckdb.connect() as connection:
            connection.execute(
                f"ATTACH '{_escaped(str(fresh))}' AS lake (STORAGE_VERSION '{STORAGE_VERSION}')"
            )
            connection.execute("USE lake")
            for table in tables:
                on_step(f"table {table.name}")
                connection.register("source", catalogue.dataset(cloud, database, table, datasets))
                connection.execute(f'CREATE TABLE "{table.name}" AS FROM source')
                connection.unregister("source")
            # As in Athena: 7 / 2 is 3. The meaning of a division is fixed when a view is created.
            connection.execute("SET integer_division = true")
            types = {table.name: table.types for table in tables}
            for name, view in views().items():
                connection.execute(f'CREATE VIEW "{name}" AS {to_duckdb(parse(view.sql), types)}')
        fresh.replace(path)
    except (duckdb.Error, pa.ArrowException, OSError, QueryError) as error:
        raise SupersetError(f"The lake could not be copied for Superset: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)


def _tables(cloud: Cloud, database: str) -> Iterator[catalogue.CatalogueTable]:
    for name in sorted({name for view in views().values() for name in _names(view)}):
        table = catalogue.find_table(cloud, database, name)
        if table is None:
            raise SupersetError(
                f"There is nothing to show yet: there is no table {name!r}.",
                f"Run '{cloud.command('etl')}' first.",
            )
        yield table


def _names(view: View) -> set[str]:
    named, _ = parse(view.sql).references()
    return {reference.name for reference in named}


def _escaped(text: str) -> str:
    return text.replace("'", "''")
