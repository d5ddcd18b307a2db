"""Spoil what ingest and process ask of AWS, kill them, and lose their events."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from lake.deploy import packaging
from lake.local.environments import environment
from lake.project import Project
from tests.faults.campaign import all_scenarios, markdown, run_campaign, selected
from tests.faults.lab import opened

_COMMAND = "./pants run tests/faults/__main__.py"


def main(arguments: list[str]) -> int:
    """Run the scenarios that the arguments name; return 1 when one fails."""
    options = _options(arguments)
    if options.list:
        print(*(f"{one.name}: {one.expected}" for one in all_scenarios()), sep="\n")
        return 0
    try:
        scenarios = selected(options.only)
    except LookupError as error:
        print(error, file=sys.stderr)
        return 1
    project = Project(Path.cwd())
    # This runs in Pants, whose daemon takes one call at a time.
    os.environ["PANTS_CONCURRENT"] = "true"
    packaging.package(
        project,
        {"ingest": "lambda", "process": "lambda", "glue_etl": "package"},
        for_host=True,
        on_line=_say,
    )
    environment(project, "spark")
    command = [str(environment(project, "ministack")), "-m", "ministack"]
    with (
        tempfile.TemporaryDirectory(prefix="lake-faults-") as folder,
        opened(Path(folder), project, command, _say) as lab,
    ):
        result = run_campaign(lab, scenarios, seed=options.seed, minutes=options.minutes, say=_say)
    if options.markdown:
        options.markdown.write_text(markdown(result) + "\n")
    if options.json:
        print(json.dumps(result.as_json(), indent=2))
    for difference in result.check:
        _say(f"check: {difference}")
    failed = [outcome.name for outcome in result.outcomes if not outcome.ok]
    total = len(result.outcomes)
    _say(f"{total} scenarios, {len(failed)} failed, {result.seconds:.0f} s, seed {result.seed}")
    for name in failed:
        _say(f"  again: {_COMMAND} -- --seed {result.seed} --only '{name}'")
    return 0 if result.ok else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="decides how often each fault happens")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="of these; takes wildcards"
    )
    parser.add_argument(
        "--minutes", type=float, default=60, help="scenarios not begun by then fail"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables for the docs"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
