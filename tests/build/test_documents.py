"""What documents say of the tree is there."""

import re
from pathlib import Path

from lake.aws import APP
from lake.project import Project
from lake.settings import DEFAULT_PORT, OPTIONS, VARIABLES, LakeSettings, resolve
from schemas import keys

OPERATIONS = Path("docs/operations.md")
ARCHITECTURE = Path("docs/architecture.md")


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
    homes = (Path("services"), Path())
    assert [one for one in named if not any((home / one).is_file() for home in homes)] == []


def test_the_table_of_the_data_bucket_has_every_prefix_and_key() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    table = text.partition("## The data bucket")[2].partition("\n## ")[0]
    named = [
        value
        for name, value in vars(keys).items()
        if name.endswith(("_PREFIX", "_KEY")) and isinstance(value, str)
    ]

    assert len(named) > 10
    # Of keys in one folder, the table has the folder with the first alone.
    short = [key.partition("/")[2] or key for key in named]
    assert [key for key in short if key not in table] == []
