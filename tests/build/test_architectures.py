"""Each architecture of Lambda gets its packages from the one lock."""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

LOCK = Path(".locks/default.lock")
PLATFORMS = Path("3rdparty/platforms")


def wheels() -> dict[str, list[str]]:
    """Return the names of the locked wheels by project."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for requirement in lock["locked_resolves"][0]["locked_requirements"]:
        urls = [artifact["url"] for artifact in requirement["artifacts"]]
        names = [unquote(urlsplit(url).path.rsplit("/", 1)[-1]) for url in urls]
        found[requirement["project_name"]] = [name for name in names if name.endswith(".whl")]
    return found


def accepted(architecture: str) -> set[Tag]:
    """Return the tags of the wheels that Lambda can run on an architecture."""
    platform = json.loads((PLATFORMS / f"linux_{architecture}.json").read_text(encoding="utf-8"))
    return {Tag(*tag.split("-")) for tag in platform["compatible_tags"]}


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_lock_has_a_wheel_of_everything(architecture: str) -> None:
    tags = accepted(architecture)

    missing = [
        project
        for project, names in wheels().items()
        if not any(parse_wheel_filename(name)[3] & tags for name in names)
    ]

    assert missing == []
