"""What documents say of the tree is there."""

import re
from pathlib import Path

from lake.aws import APP
from lake.project import Project
from lake.settings import DEFAULT_PORT, OPTIONS, VARIABLES, LakeSettings, resolve

OPERATIONS = Path("docs/operations.md")


def test_every_setting_is_described_in_the_document_and_in_the_file() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \|([^|]+)\| ([^|]+) \|", OPERATIONS.read_text(), re.MULTILINE
    )
    described = {
        name: (tuple(re.findall(r"`(\w+)`", variables)), option.strip().strip("`"))
        for name, variables, option, _ in rows
        if name in LakeSettings.model_fields
    }

    assert described == {
        name: (VARIABLES[name], OPTIONS.get(name, "")) for name in LakeSettings.model_fields
    }
    defaults = {name: default.strip("`") for name, _, _, default in rows}
    assert (defaults["app"], defaults["port"]) == (APP, str(DEFAULT_PORT))


def test_the_file_of_settings_is_right_once_it_is_uncommented(tmp_path: Path) -> None:
    text = Path("lake.toml").read_text()
    settings = re.sub(r"^# (?=\w+ = |  |\])", "", text, flags=re.MULTILINE)
    (tmp_path / "lake.toml").write_text(settings)

    found = resolve(Project(tmp_path), environment={})

    assert all(found.is_set(name) for name in LakeSettings.model_fields)


def test_the_modules_that_use_a_permission_exist() -> None:
    rows = re.findall(r"^\| \w+ \w+Role \|.*\| ([^|]+) \|$", OPERATIONS.read_text(), re.MULTILINE)
    named = {module for row in rows for module in re.findall(r"`(\w+/[\w/]+\.py)`", row)}

    assert len(named) > 10
    assert [module for module in named if not Path("services", module).is_file()] == []
