"""Options that several commands share."""

import re
from typing import Annotated

import typer


def valid_env(env: str | None) -> str | None:
    """Return the name of an environment on AWS, if it can be one."""
    if env == "local":
        raise typer.BadParameter("the local AWS is the target without --env.")
    if env is not None and not re.fullmatch(r"[a-z][a-z0-9]{1,7}", env):
        raise typer.BadParameter(f"{env!r} is not a name such as dev: 2 to 8 of a-z and 0-9.")
    return env


def valid_memory(memory: str) -> str:
    """Return an amount of memory, if Java reads it as one."""
    if not re.fullmatch(r"[1-9]\d*[kmgtKMGT]", memory):
        raise typer.BadParameter(f"{memory!r} is not an amount such as 512m or 4g.")
    return memory


PortOption = Annotated[
    int, typer.Option(min=1024, max=65535, help="Port of 127.0.0.1 to listen on.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for machines.")]
EnvOption = Annotated[
    str | None,
    typer.Option(help="Environment on AWS; without it, the local AWS.", callback=valid_env),
]
MemoryOption = Annotated[
    str,
    typer.Option(help="Memory of Spark on this machine, such as 8g.", callback=valid_memory),
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open it in the browser.")]
