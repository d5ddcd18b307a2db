"""A service's VERSION, the version of its package, and the newest entry of its CHANGELOG agree."""

import re
from pathlib import Path

import pytest

SERVICES = Path(__file__).parent


@pytest.mark.parametrize("service", sorted(path.parent.name for path in SERVICES.glob("*/VERSION")))
def test_version_package_and_changelog_agree(service: str) -> None:
    folder = SERVICES / service
    version = (folder / "VERSION").read_text().strip()

    packaged = re.search(r'version="([^"]+)"', (folder / "BUILD").read_text())
    newest = re.search(r"^## \[?(\d[^\]\s]*)", (folder / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert packaged is not None
    assert newest is not None
    assert packaged[1] == version == newest[1]
