import json

import pytest

from lake.operations.logs.errors import find_error

POWERTOOLS = json.dumps(
    {
        "level": "ERROR",
        "message": "the page failed",
        "exception": "Traceback (most recent call last):\n  ...\nValueError: no such rule",
    }
)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], ""),
        (["START RequestId: 1", '{"level": "INFO", "message": "page processed"}', "END"], ""),
        ([POWERTOOLS], "the page failed (ValueError: no such rule)"),
        (["REPORT Duration: 1 ms", POWERTOOLS], "the page failed (ValueError: no such rule)"),
        (['{"level": "ERROR", "message": "newest"}', POWERTOOLS], "newest"),
        (["2026 Task timed out after 60 seconds"], "2026 Task timed out after 60 seconds"),
        (
            ["[ERROR] Runtime.ImportModuleError: no module"],
            "[ERROR] Runtime.ImportModuleError: no module",
        ),
        (['["a list"]', "7"], ""),
    ],
)
def test_the_newest_error_is_found(messages: list[str], expected: str) -> None:
    assert find_error(messages) == expected
