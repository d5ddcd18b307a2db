"""The command that shows the settings."""

import json
from typing import Annotated

import typer

from lake.cli.options import JsonOption
from lake.project import current_project
from lake.settings import Resolved, listed, resolve
from lake.terminal.console import out, settings
from lake.terminal.tables import table


def config(
    env: Annotated[str | None, typer.Option(help="Environment, as other commands take it.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the local AWS.")] = None,
    contact: Annotated[str | None, typer.Option(help="E-mail address or URL.")] = None,
    subjects: Annotated[
        list[str] | None, typer.Option("--subject", help="Subject to crawl; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the settings that hold, and where each value comes from.

    An option counts before an environment variable, that before lake.toml, that before the default.
    """
    options = {
        "environment": env,
        "port": port,
        "endpoint": settings.endpoint,
        "contact": contact,
        "subjects": subjects,
    }
    found = resolve(current_project(), options)
    if as_json:
        print(json.dumps(_records(found), indent=2))
        return
    rows: list[list[object]] = [
        [record["setting"], _shown(record["value"]), record["from"]] for record in _records(found)
    ]
    out.print(table("", ["setting", "value", "from"], rows, wraps=True))


def _records(found: Resolved) -> list[dict[str, object]]:
    values = found.values.model_dump(mode="json", exclude={"subjects"})
    values["subjects"] = listed(found.values.subjects)
    return [
        {"setting": name, "value": value, "from": str(found.sources[name])}
        for name, value in values.items()
    ]


def _shown(value: object) -> object:
    if value is None:
        return "(none)"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
