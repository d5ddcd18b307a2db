"""A service's VERSION names its package, and is the newest entry of its CHANGELOG."""

import re
from pathlib import Path

import pytest

SERVICES = Path(__file__).parent


@pytest.mark.parametrize("service", sorted(path.parent.name for path in SERVICES.glob("*/VERSION")))
def test_the_version_has_one_place_and_an_entry_in_the_changelog(service: str) -> None:
    folder = SERVICES / service
    version = (folder / "VERSION").read_text().strip()

    build = (folder / "BUILD").read_text()
    newest = re.search(r"^## \[?(\d[^\]\s]*)", (folder / "CHANGELOG.md").read_text(), re.MULTILINE)

    # Set by build-support/bootstrap.sh from VERSION.
    assert f'version=env("LAKE_VERSION_{service.upper()}")' in build
    assert newest is not None
    assert version == newest[1]
