"""``docs/etl.md`` tells the arguments as they are, and the rules and errors by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from glue_etl.builds.rules import RowBounds, TableFacts, check
from glue_etl.dump.record import BadLineError, record_of
from glue_etl.settings import Arguments, BulkArguments, JobArguments
from glue_etl.testing.dumps import BAD_LINES
from schemas.curated_tables import CURATED
from schemas.ledger.curated_build import TableOutcome

DOCUMENT = (Path(__file__).parents[2] / "docs" / "etl.md").read_text("utf-8")


def line_of(name: str, arguments: type[Arguments]) -> str:
    info = arguments.model_fields[name]
    default = "" if info.default is None or info.default_factory else str(info.default)
    if isinstance(info.default, bool):
        default = default.lower()
    told = "**needed**" if info.is_required() else default
    return f"| `--{name.replace('_', '-')}` | {told} | {info.description} |"


@pytest.mark.parametrize("arguments", [JobArguments, BulkArguments])
def test_every_argument_is_told_with_its_default(arguments: type[Arguments]) -> None:
    section = DOCUMENT.partition(f"<!-- {arguments.__name__} -->")[2].partition("\n\n")[0]

    assert section.strip().splitlines()[2:] == [
        line_of(name, arguments) for name in arguments.model_fields
    ]


def test_every_table_is_told_with_its_key() -> None:
    for table in CURATED.values():
        key = ", ".join(f"`{column}`" for column in table.key)
        assert any(
            line.startswith(f"| `{table.name}`") and line.endswith(f"| {key} |")
            for line in DOCUMENT.splitlines()
        ), table.name


def test_every_rule_is_told() -> None:
    facts = TableFacts(1, 1, {"work_key": 0}, {"work_key": 0})
    made = check(
        {"work_subjects": facts},
        {"work_subjects": TableOutcome(rows=1, files=1, bytes=1)},
        RowBounds(1, 1, 0),
    )

    for rule in {outcome.rule.partition(":")[0] for outcome in made}:
        assert f"| `{rule}:<table>" in DOCUMENT


def test_every_reason_against_a_line_is_told() -> None:
    for line in BAD_LINES:
        with pytest.raises(BadLineError) as caught:
            record_of(line)
        kind, _, _ = caught.value.code.partition(".")
        assert kind == "record" or f"`{caught.value.code}`" in DOCUMENT
