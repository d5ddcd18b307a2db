"""What documents say of the tree is there."""

import re
from pathlib import Path

OPERATIONS = Path("docs/operations.md")


def test_the_modules_that_use_a_permission_exist() -> None:
    rows = re.findall(r"^\| \w+ \w+Role \|.*\| ([^|]+) \|$", OPERATIONS.read_text(), re.MULTILINE)
    named = {module for row in rows for module in re.findall(r"`(\w+/[\w/]+\.py)`", row)}

    assert len(named) > 10
    assert [module for module in named if not Path("services", module).is_file()] == []
