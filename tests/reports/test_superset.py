"""`./lake superset` without Superset: its data, secrets and arguments, and what the check finds."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from typer.testing import CliRunner

from analytics.dashboard.definition import Chart, dashboard
from analytics.dashboard.report_data import Row
from analytics.views.definitions import views
from lake.aws import Cloud
from lake.cli.app import app
from lake.errors import PortInUseError, PrerequisiteError, SupersetError
from lake.reports.superset import check, server
from lake.reports.superset.data import write_lake
from lake.reports.superset.server import Site
from lake.testing.fake_lake import Lake
from tests.views.lake import bucket_of, lake_of
from tests.views.tables import random_tables


@pytest.fixture
def site(tmp_path: Path) -> Site:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Site(tmp_path / "site", Path(sys.executable), tmp_path, port, on_aws=False)


def _write(lake: Lake, path: Path) -> None:
    filesystem = SubTreeFileSystem(str(lake.folder), LocalFileSystem())
    write_lake(lake.cloud, path, lambda _step: None, filesystem)


def test_the_file_returns_what_the_lake_returns(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, random_tables(bucket_of(tmp_path), works=40))
    path = tmp_path / "lake.duckdb"

    _write(lake, path)

    with duckdb.connect(str(path), read_only=True) as connection:
        for name, view in views().items():
            found = connection.table(name).fetchall()
            assert found == lake.rows(view.sql), name
    assert not path.with_suffix(".new").exists()


def test_a_file_stays_when_the_lake_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "lake.duckdb"
    path.write_text("the one before")

    with pytest.raises(SupersetError, match="nothing to show yet") as caught:
        _write(Lake(tmp_path), path)

    assert "./lake etl" in caught.value.hint
    assert path.read_text() == "the one before"


def test_a_secret_is_created_once_and_readable_by_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "password"

    assert server.keep_secret(path)
    first = path.read_text()
    path.chmod(0o644)
    assert not server.keep_secret(path)

    assert path.read_text() == first
    assert len(first) >= 32
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_folder_is_private_and_used_by_one_superset(site: Site) -> None:
    with site.locked():
        assert site.folder.stat().st_mode & 0o777 == 0o700
        with pytest.raises(SupersetError, match="already running"), site.locked():
            pass
    with site.locked():
        pass


def test_a_port_in_use_is_named(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()
        with pytest.raises(PortInUseError, match=str(site.port)), site.locked():
            pass


def test_superset_gets_only_the_settings_of_the_lake(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "SUPERSET_SECRET_KEY", "FLASK_DEBUG", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "x")

    local, on_aws = site.environment(), replace(site, on_aws=True).environment()

    assert local["SCARF_ANALYTICS"] == "false"
    assert not {"AWS_PROFILE", "SUPERSET_SECRET_KEY", "FLASK_DEBUG", "PYTHONSTARTUP"} & set(local)
    assert on_aws["AWS_PROFILE"] == "x"


def test_on_aws_athena_is_queried_in_the_workgroup_and_without_a_secret(site: Site) -> None:
    values = {"athena-workgroup": "openlake-dev", "glue-database": "openlake_dev"}
    ssm = SimpleNamespace(
        exceptions=SimpleNamespace(ParameterNotFound=KeyError),
        get_parameter=lambda **request: {
            "Parameter": {"Value": values[request["Name"].rsplit("/")[-1]]}
        },
    )
    s3 = SimpleNamespace(meta=SimpleNamespace(region_name="eu-central-1"))
    cloud = Cloud(env="dev", _clients={"ssm": ssm, "s3": s3})

    source = server.source_of(site, cloud, lambda _step: None)

    assert source.uri == (
        "awsathena+rest://@athena.eu-central-1.amazonaws.com:443/openlake_dev"
        "?work_group=openlake-dev&catalog_name=AwsDataCatalog"
    )
    assert (source.name, source.schema) == ("Lake (dev)", "openlake_dev")


def test_a_failed_set_up_quotes_superset(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    package = site.root / "analytics/renderers/superset"
    package.mkdir(parents=True)
    # Packages proper, as folders without it would give way to the project's own.
    for folder in (package.parents[1], package.parent, package):
        (folder / "__init__.py").touch()
    (package / "setup.py").write_text("import sys; sys.exit('no such table: roles')")
    monkeypatch.setattr(server, "write_lake", lambda *_: None)

    with site.locked(), pytest.raises(SupersetError, match="no such table: roles") as caught:
        server.set_up(site, Cloud(endpoint="http://127.0.0.1:1"), lambda _step: None)

    assert "superset.log" in caught.value.hint
    secrets = [(site.folder / name).read_text() for name in ("password", "secret-key")]
    for file in (site.log, site.folder / "bundle.json"):
        assert not any(secret in file.read_text() for secret in secrets)


def test_a_server_that_ends_is_reported_with_its_last_lines(site: Site) -> None:
    with (
        site.locked() as lock_fd,
        pytest.raises(SupersetError, match="No module named"),
        server.serving(site, lock_fd),
    ):
        pass


def test_the_command_imports_no_superset() -> None:
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if p];"
        "import lake.reports.superset.command; sys.exit('superset' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}

    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_screenshot_needs_check() -> None:
    result = CliRunner().invoke(app, ["superset", "--screenshot", "x.png"])

    assert result.exit_code == 2
    assert "needs --check" in result.output


def test_without_a_browser_the_check_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PATH", raising=False)

    with pytest.raises(PrerequisiteError, match="none was found") as caught:
        check.browser()

    assert "chromium" in caught.value.hint


def _chart(name: str) -> Chart:
    return next(chart for chart in dashboard().charts if chart.id == name)


def _found(state: str, data: list[dict[str, Any]] | None = None, **body: Any) -> dict[str, Any]:
    result = {} if data is None else {"result": [{"data": data}]}
    return {"state": state, "answer": {"status": 200, "body": result | body}}


SUBJECTS: list[Row] = [{"subject": "Love", "source_works": 9, "lake_works": 7}]
DRAWN = [{"subject": "Love", "OpenLibrary counts": 9, "\N{HAIR SPACE}In the lake": 7}]
DECADES: list[Row] = [
    {"decade": 1990, "access_level": "open", "works": 2},
    {"decade": 1990, "access_level": "print_disabled", "works": 1},
]
RUNS: list[Row] = [
    {value.column: 0 for value in _chart("runs").values}
    | {"run_at": "2026-11-23T06:00:00", "quarantine_share": 0.1}
]


@pytest.mark.parametrize(
    ("chart", "rows", "data"),
    [
        ("subjects", SUBJECTS, DRAWN),
        ("lake", [{"works": 5}], [{"Works": 5}]),
        (
            "decades",
            DECADES,
            [{"decade": 1990, "open": 2, "\N{HAIR SPACE}\N{HAIR SPACE}print disabled": 1}],
        ),
        ("runs", RUNS, [{**RUNS[0], "run_at": 1795413600000.0, "quarantine_share": 0.1}]),
    ],
)
def test_a_chart_that_shows_the_lakes_figures_passes(
    chart: str, rows: list[Row], data: list[dict[str, Any]]
) -> None:
    seen = check.check_chart(_chart(chart), chart, 0, rows, _found("drawn", data))

    assert (seen.state, seen.problem) == ("drawn", "")
    assert seen.figures > 0


@pytest.mark.parametrize(
    ("rows", "found", "problem"),
    [
        (SUBJECTS, None, "it is not on the dashboard"),
        (SUBJECTS, _found("blank", DRAWN), "nothing is drawn"),
        (SUBJECTS, _found("loading"), "it did not finish loading"),
        (SUBJECTS, _found("empty", []), "it is empty, and the lake has 2 figures"),
        ([], _found("drawn", DRAWN), "it is drawn, and the lake has none"),
        (
            SUBJECTS,
            _found("error", errors=[{"message": "Columns missing in dataset: nope"}]),
            "Superset shows an error: Columns missing in dataset: nope",
        ),
        (
            SUBJECTS,
            _found("drawn", [{"subject": "Love", "OpenLibrary counts": 8, "In the lake": 7}]),
            "Love, OpenLibrary counts is 8 in Superset and 9 in the lake",
        ),
        (
            SUBJECTS,
            _found("drawn", [*DRAWN, {"subject": "War", "In the lake": 1}]),
            "War, In the lake is 1 in Superset and None in the lake",
        ),
    ],
)
def test_a_chart_that_differs_from_the_lake_fails(
    rows: list[Row], found: dict[str, Any] | None, problem: str
) -> None:
    seen = check.check_chart(_chart("subjects"), "subjects", 0, rows, found)

    assert seen.problem == problem
    with pytest.raises(SupersetError, match="1 of 1 charts"):
        check.raise_on_mismatch([seen])


def test_an_empty_chart_passes_if_the_lake_has_no_rows() -> None:
    seen = check.check_chart(_chart("growth"), "growth", 0, [], _found("empty", []))

    check.raise_on_mismatch([seen])
    assert json.loads(check.to_json([seen], {}))["charts"][0]["state"] == "empty"
