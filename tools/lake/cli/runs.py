"""The command that starts a run."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from lake.cli.options import ContactOption, EnvOption, JsonOption, LiveOption, contact_for
from lake.cli.targets import cloud_to_change
from lake.project import current_project
from lake.terminal.console import err, out

SubjectsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--subject",
        metavar="NAME",
        help="What to crawl, such as dogs or person:jane_austen; may be repeated."
        " Default: the subjects of lake.toml; on AWS, those that are configured there.",
    ),
]


def ingest(
    subjects: SubjectsOption = None,
    live: LiveOption = False,
    contact: ContactOption = "",
    with_etl: Annotated[
        bool, typer.Option("--etl/--no-etl", help="Watch it to the curated tables.")
    ] = True,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Crawl now, on the running lake, and watch the run until it is in the curated tables.

    On this machine the source is the bundled stand-in, whose works are made up, or the real
    OpenLibrary with --live. On AWS it is always the one that is configured there. A run that was
    interrupted is finished first. A run without a complete subject makes the exit code 1.
    """
    from lake.operations.ingest.command import Request
    from lake.operations.ingest.command import ingest as run
    from lake.settings import resolve
    from lake.terminal import screens
    from lake.terminal.progress import Progress

    project = current_project()
    settings = resolve(project, {"subjects": subjects}).values
    cloud = cloud_to_change(project, env)
    request = Request(
        subjects=settings.subjects if subjects or cloud.is_local else (),
        live=live,
        contact=contact_for(live=live and cloud.is_local, contact=contact),
        etl=with_etl,
    )
    result = run(cloud, project, request, Progress(err))
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        screens.show_ingest(out, result)
    if not result.ok:
        raise SystemExit(1)
