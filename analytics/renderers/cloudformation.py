"""Write ``infra/analytics.yaml`` and ``infra/quicksight.yaml``.

``python -m analytics.renderers.cloudformation [--check]``

The views as Athena has them with their named queries, and QuickSight's part, all of them from
``analytics/views`` and the dashboard's definition. Two templates, as one would be longer than
CloudFormation takes. ``--check`` only says whether they are stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

import yaml

from analytics.dashboard.definition import dashboard
from analytics.renderers.athena import analytics_template
from analytics.renderers.quicksight.template import quicksight_template
from analytics.renderers.template_parts import Json

FOLDER: Final = Path(__file__).parents[2] / "infra"
#: Bytes of a template that CloudFormation takes in a request.
LONGEST: Final = 51_200
_LINE: Final = 80


def render() -> dict[str, str]:
    """Return the text of each template by the name of its file."""
    made = {"analytics": analytics_template(), "quicksight": quicksight_template(dashboard())}
    return {f"{unit}.yaml": _text(body) for unit, body in made.items()}


def stale(folder: Path = FOLDER) -> list[str]:
    """Name the templates of a folder that are missing or differ."""
    return [
        name
        for name, text in render().items()
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text
    ]


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Write the templates, or with ``--check`` only compare; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m analytics.renderers.cloudformation", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    options = parser.parse_args(arguments)
    found = stale(folder)
    for name in found:
        if options.check:
            print(
                f"{name} is stale: run python -m analytics.renderers.cloudformation",
                file=sys.stderr,
            )
        else:
            (folder / name).write_text(render()[name], "utf-8")
            print(f"wrote {name}")
    return 1 if options.check and found else 0


def _text(body: Json) -> str:
    """Return a template as YAML, a property a line."""
    made = "# Made by python -m analytics.renderers.cloudformation; do not edit.\n"
    text = yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
    return f"{made}{text}"


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML ships no types
    """Writes without anchors, and intrinsic functions in their short form."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _mapping(dumper: yaml.SafeDumper, value: Json) -> yaml.Node:
    if len(value) == 1:
        ((name, argument),) = value.items()
        tag = f"!{name.removeprefix('Fn::')}"
        if name in ("Fn::Sub", "Ref") and isinstance(argument, str):
            return dumper.represent_scalar(tag, argument)
        if name == "Fn::GetAtt":
            return dumper.represent_scalar(tag, ".".join(argument))
    # A few plain values fit a line, and CloudFormation bounds the bytes of a template.
    short = len(value) <= 3 and len(json.dumps(value)) <= _LINE
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=short)


_Dumper.add_representer(dict, _mapping)


if __name__ == "__main__":
    sys.exit(main())
