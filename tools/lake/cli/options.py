"""Options that several commands share."""

from typing import Annotated

import typer

PortOption = Annotated[
    int, typer.Option(min=1024, max=65535, help="Port of 127.0.0.1 to listen on.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for machines.")]
EnvOption = Annotated[
    str | None, typer.Option(help="Environment on AWS; without it, the local AWS.")
]
MemoryOption = Annotated[str, typer.Option(help="Memory of Spark on this machine, such as 8g.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open it in the browser.")]
