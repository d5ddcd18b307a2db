"""The command that answers queries."""

from enum import StrEnum
from typing import Annotated

import typer

from lake.cli.console import out
from lake.cli.options import EnvOption
from lake.cli.targets import cloud_of
from lake.project import current_project


class OutputFormat(StrEnum):
    """Forms of a query's result."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(
    sql: Annotated[str | None, typer.Argument(help="One SELECT, in Athena's dialect.")] = None,
    view: Annotated[
        str | None, typer.Option(metavar="NAME", help="Answer a view of the dashboard instead.")
    ] = None,
    list_views: Annotated[
        bool, typer.Option("--list-views", help="List the views and what a row of each is.")
    ] = False,
    output: Annotated[OutputFormat, typer.Option("--output", "-o", help="Form of the result.")] = (
        OutputFormat.TABLE
    ),
    as_of: Annotated[
        str | None,
        typer.Option(metavar="BUILD|RUN", help="Read an older build that is kept (local AWS)."),
    ] = None,
    env: EnvOption = None,
) -> None:
    """Answer a SELECT over the tables of the catalogue, or one of the views."""
    from lake.query import tabular
    from lake.query.execute import run_query
    from lake.query.view_queries import described_views, wanted_query

    if list_views:
        for line in described_views():
            out.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    wanted = wanted_query(sql, view)
    result = run_query(cloud_of(current_project(), env), wanted, as_of=as_of)
    if output is OutputFormat.JSON:
        print(tabular.to_json(result))
    elif output is OutputFormat.CSV:
        print(tabular.to_csv(result), end="")
    else:
        out.print(tabular.to_table(result, out.width))
