"""The table of what we rely on of AWS: its witnesses exist, and `./lake verify` shows no other."""

import ast
import re
from pathlib import Path

import pytest

DOCUMENT = Path("docs/aws-claims.md")
SHOWN = Path("tools/lake/operations/verify/command.py")
ONLY_AWS = "only AWS can tell"


def rows() -> list[list[str]]:
    """Return the cells of each claim."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [cells for cells in found if cells[0].startswith("`")]


CLAIMS = {cells[0].strip("`"): cells[1:] for cells in rows()}
TESTS = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", DOCUMENT.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("path", "name"), TESTS, ids=lambda value: Path(value).name)
def test_a_witness_exists(path: str, name: str) -> None:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))

    assert name in {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_has_two_witnesses(claim: str) -> None:
    _, _, first, second, _ = CLAIMS[claim]

    assert first != second
    for witness in (first, second):
        assert re.fullmatch(r"`[\w/]+\.py::\w+`|<https://\S+>", witness), witness


def test_a_claim_stands_once() -> None:
    assert len(rows()) == len(CLAIMS) > len(TESTS) // 2


def test_what_verify_shows_is_what_the_table_says() -> None:
    shown = set(re.findall(r'Claim\(\s*"([a-z-]+)"', SHOWN.read_text(encoding="utf-8")))

    assert shown == {claim for claim, cells in CLAIMS.items() if cells[-1] == "verify"}


def test_what_nobody_here_can_see_is_said() -> None:
    ends = {cells[-1] for cells in CLAIMS.values()}

    assert all(end in ("", "verify") or end.startswith(ONLY_AWS) for end in ends)
