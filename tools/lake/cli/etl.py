"""Commands of the curated tables: the ETL and the bulk route."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lake.cli.options import EnvOption, JsonOption, MemoryOption
from lake.cli.targets import cloud_to_change
from lake.project import called_from, current_project
from lake.settings import resolve
from lake.terminal.console import err, out


def etl(
    env: EnvOption = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild everything from all runs.")] = False,
    max_ratio: Annotated[
        float | None,
        typer.Option(
            min=1, help="How many times its last build's rows a table may have; default: 10."
        ),
    ] = None,
    min_ratio: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of its last build's rows a table must have; default: 0.5."
        ),
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option(metavar="BUILD", help="Go back to a build and stay there until --unpin."),
    ] = None,
    unpin: Annotated[bool, typer.Option("--unpin", help="Let new builds be published again.")] = (
        False
    ),
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="RUN", help="Keep a run out of the tables; needs --reason."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="RUN", help="Let an excluded run in again.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why a build is pinned or a run excluded.")] = "",
    iceberg: Annotated[
        bool, typer.Option("--iceberg", help="Publish Iceberg tables, too, from now on.")
    ] = False,
    compact: Annotated[
        bool,
        typer.Option("--compact", help="Then compact all settled days, however recent."),
    ] = False,
    memory: MemoryOption = "2g",
    as_json: JsonOption = False,
) -> None:
    """Bring the curated tables up to date: by Spark on this machine, or by Glue on AWS.

    Adds the processed runs that are not in the tables yet. Readers switch from one complete build
    to the next; a build that breaks a data-quality rule is not published.
    """
    from lake.etl.refresh import EtlOptions, controls_of, run_etl, run_on_glue
    from lake.etl.workspace import workspace_of
    from lake.local.spark import prepare
    from lake.terminal import screens
    from lake.terminal.progress import Progress

    project = current_project()
    cloud = cloud_to_change(project, env)
    options = EtlOptions(
        full=full,
        memory=memory,
        max_ratio=max_ratio,
        min_ratio=min_ratio,
        controls=controls_of(pin, unpin=unpin, exclude=exclude, include=include, reason=reason),
        iceberg=iceberg,
        compact=compact,
    )
    progress = Progress(err)
    if cloud.is_local:
        with progress.step("Set up Spark"):
            prepare(project)
        with progress.step("ETL") as say:
            result = run_etl(cloud, workspace_of(cloud, project), options, say)
    else:
        with progress.step("ETL") as say:
            result = run_on_glue(cloud, options, say)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        screens.show_etl(out, result, cloud)


def backfill(
    dump: Annotated[
        str, typer.Argument(metavar="PATH_OR_URL", help="ol_dump_works_DATE.txt.gz, or .txt.")
    ],
    env: EnvOption = None,
    run_id: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Run that it becomes; default: the date in its name."),
    ] = None,
    memory: MemoryOption = "2g",
    as_json: JsonOption = False,
) -> None:
    """Load a dump of works into the curated tables: the bulk route.

    Each line becomes a row or a record in quarantine. A dump that is empty, cut off or not
    of works is refused.
    """
    from lake.etl.backfill import run_backfill
    from lake.etl.bulk import ANY_GROWTH, route_of
    from lake.etl.dump import is_url, local_dump
    from lake.etl.refresh import EtlOptions
    from lake.local.spark import prepare
    from lake.terminal import screens
    from lake.terminal.progress import Progress
    from lake.web import agent_of

    project = current_project()
    place = dump if is_url(dump) else str(called_from() / dump)
    if not is_url(place):
        # Before the set-up of Spark, which takes minutes at first.
        local_dump(Path(place), run_id)
    cloud = cloud_to_change(project, env)
    progress = Progress(err)
    if cloud.is_local:
        with progress.step("Set up Spark"):
            prepare(project)
    route = route_of(cloud, project, EtlOptions(memory=memory, max_ratio=ANY_GROWTH))
    agent = agent_of(cloud, project, "glue_etl", resolve(project).values.contact)
    folder = project.state / "dumps"
    result = run_backfill(route, folder, place, run_id, progress.step, agent=agent)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        screens.show_backfill(out, result, cloud)
