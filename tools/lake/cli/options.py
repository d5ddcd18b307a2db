"""Options that several commands share."""

import re
from typing import Annotated

import typer

from lake.project import current_project
from lake.settings import LOCAL, resolve


def valid_env(context: typer.Context, env: str | None) -> str | None:
    """Return the name of an environment on AWS, if it can be one; None for the local AWS.

    Without `--env` it is that of `lake.toml`, unless `--local` is given.
    """
    if env is None and not context.params.get("local"):
        env = resolve(current_project()).values.environment
    if env is not None and not re.fullmatch(r"[a-z][a-z0-9]{1,7}", env):
        raise typer.BadParameter(f"{env!r} is not a name such as dev: 2 to 8 of a-z and 0-9.")
    return None if env == LOCAL else env


def configured_port() -> int:
    """Return the port of the local AWS where no option gives one."""
    return resolve(current_project()).values.port


def valid_memory(memory: str) -> str:
    """Return an amount of memory, if Java reads it as one."""
    if not re.fullmatch(r"[1-9]\d*[kmgtKMGT]", memory):
        raise typer.BadParameter(f"{memory!r} is not an amount such as 512m or 4g.")
    return memory


def contact_for(*, live: bool, contact: str) -> str:
    """Return whom OpenLibrary may write to: as given, or that of `lake.toml`."""
    found = resolve(current_project(), {"contact": contact}).values.contact or ""
    if live and not found:
        raise typer.BadParameter(
            "--live needs --contact, or contact in lake.toml: OpenLibrary wants to know whom to"
            " write to."
        )
    return found


PortOption = Annotated[
    int,
    typer.Option(
        min=1024,
        max=65535,
        default_factory=configured_port,
        show_default=False,
        help="Port of 127.0.0.1 to listen on; default: that of ./lake config.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for machines.")]
EnvOption = Annotated[
    str | None,
    typer.Option(
        help="Environment on AWS; without it, the local AWS, or that of lake.toml.",
        callback=valid_env,
    ),
]
MemoryOption = Annotated[
    str,
    typer.Option(help="Memory of Spark on this machine, such as 8g.", callback=valid_memory),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open it in the browser.")]
LiveOption = Annotated[bool, typer.Option("--live", help="Crawl the real OpenLibrary API.")]
ContactOption = Annotated[
    str, typer.Option(help="With --live: your e-mail address or URL, sent to OpenLibrary.")
]
