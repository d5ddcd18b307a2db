import io

import pytest
from rich.console import Console

from lake.cli.check import show_check
from lake.operations.check.command import CheckResult
from lake.operations.check.findings import Counts

ONE = Counts(pages=1, records=1, rows=1, builds=1)
MANY = Counts(pages=1200, records=5606, rows=5589, quarantined=17, builds=2)


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        (
            CheckResult(True, ["R"], ONE, 0),
            [
                "1 run, 1 page, 1 build: 1 record = 1 row + 0 quarantined",
                "✓ Every record is there exactly once, and every ledger agrees.",
            ],
        ),
        (
            CheckResult(False, ["R", "S"], MANY, 1, {"page.missing": 1}),
            [
                "2 runs, 1,200 pages, 2 builds: 5,606 records = 5,589 rows + 17 quarantined",
                "✗ 1 difference: page.missing 1",
            ],
        ),
    ],
)
def test_what_was_compared_is_counted_in_words(result: CheckResult, lines: list[str]) -> None:
    text = io.StringIO()

    show_check(Console(file=text, width=100), result)

    assert text.getvalue().splitlines() == lines
