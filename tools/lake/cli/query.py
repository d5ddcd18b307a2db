"""The commands that answer questions: query, tables and describe."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lake.cli.options import EnvOption, JsonOption
from lake.cli.targets import cloud_of
from lake.errors import QueryError
from lake.project import called_from, current_project
from lake.query.tabular import QueryResult
from lake.terminal.console import out


class OutputFormat(StrEnum):
    """Forms of a query's result."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    PARQUET = "parquet"


OutputOption = Annotated[OutputFormat, typer.Option("--output", "-o", help="Form of the result.")]


def view_names() -> list[str]:
    """Return the names of the views, for completion."""
    from lake.query.builtin_views import builtin_names

    return builtin_names()


def query(
    sql: Annotated[
        str | None,
        typer.Argument(help="One SELECT in Athena's dialect, SHOW TABLES or DESCRIBE TABLE."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Read the statement from a file."),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Answer a view of the dashboard instead.",
            autocompletion=view_names,
        ),
    ] = None,
    list_views: Annotated[
        bool, typer.Option("--list-views", help="List the views and what a row of each is.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Rows of the result at most.")
    ] = None,
    output: OutputOption = OutputFormat.TABLE,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="BUILD|RUN", help="Read an older build that is kept (local AWS)."),
    ] = None,
    env: EnvOption = None,
) -> None:
    """Answer a SELECT over the tables of the catalogue and the views.

    The statement is the argument, a file, or read from stdin.
    """
    from lake.query.dialect.statement import parse
    from lake.query.execute import run_query
    from lake.query.metadata import metadata_query
    from lake.query.view_queries import described_views, wanted_query

    if list_views:
        for line in described_views():
            out.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    wanted = wanted_query(_statement(sql, file, has_view=view is not None), view)
    cloud = cloud_of(current_project(), env)
    result = metadata_query(cloud, wanted)
    is_metadata = result is not None
    if result is None:
        statement = parse(wanted)
        limited = statement.limited(limit) if limit else statement
        result = run_query(cloud, limited.sql, as_of=as_of)
    print_result(result.first(limit), output, wraps=is_metadata)


def tables(output: OutputOption = OutputFormat.TABLE, env: EnvOption = None) -> None:
    """List the tables and views, and what a row of each is."""
    from lake.query.metadata import list_tables

    print_result(list_tables(cloud_of(current_project(), env)), output, wraps=True)


def describe(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table or view.")],
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a table or view holds: columns, units, rows, and how fresh it is."""
    from lake.query.metadata import columns_of, describe_table
    from lake.terminal import screens

    columns = columns_of(table)
    found = describe_table(cloud_of(current_project(), env), table)
    if as_json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        screens.show_description(out, found, columns)


def print_result(result: QueryResult, output: OutputFormat, *, wraps: bool = False) -> None:
    """Print a result on stdout in a form.

    Raises
    ------
    QueryError
        It is a Parquet file and stdout a terminal.
    """
    from lake.query import files, tabular
    from lake.terminal.tables import result_table

    if output is OutputFormat.PARQUET:
        if sys.stdout.isatty():
            raise QueryError("Parquet is not for a terminal.", "Add '> FILE' to write a file.")
        sys.stdout.buffer.write(files.to_parquet(result))
    elif output is OutputFormat.JSON:
        print(tabular.to_json(result))
    elif output is OutputFormat.CSV:
        print(tabular.to_csv(result), end="")
    elif output is OutputFormat.MARKDOWN:
        print(files.to_markdown(result), end="")
    else:
        out.print(result_table(result, wraps=wraps))


def _statement(sql: str | None, file: Path | None, *, has_view: bool) -> str | None:
    """Return the statement from where it was given; None if it was not."""
    if sql is not None and file is not None:
        raise typer.BadParameter("Give a statement or --file, not both.")
    if file is not None:
        try:
            return (called_from() / file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(f"{file} cannot be read: {error}.") from error
    if sql == "-" or (sql is None and not has_view and not sys.stdin.isatty()):
        return sys.stdin.read().strip() or None
    return sql
