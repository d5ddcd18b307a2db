"""The whole lake for a test module: real packages and templates, on a local AWS of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.local.local_aws import LocalAws, free_port
from lake.project import Project

SANDBOX = Path.cwd()
MINISTACK = [sys.executable, str(SANDBOX / "tools/ministack.pex/__main__.py")]
PROJECT = Project(root=SANDBOX, dist=SANDBOX)
SAMPLES = Path(os.environ.get("LAKE_SAMPLES", "/nonexistent"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local AWS with bootstrap, foundation and process; ended with the module."""
    local = LocalAws(tmp_path_factory.mktemp("aws"), MINISTACK)
    server = local.start(free_port())
    try:
        made = Cloud(endpoint=server.endpoint)
        for unit in units.select(["bootstrap", "foundation", "process"]):
            deployment.deploy_unit(made, PROJECT, unit, LOCAL.get(unit.name, {}), print)
        yield made
    finally:
        local.stop()


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> str:
    """The data bucket."""
    return cloud.parameter("foundation/data-bucket")


@pytest.fixture(scope="session")
def captured_page() -> Path:
    """A real page of 1000 works, captured in 2023; not part of the project."""
    name = "subjects_love_limit1000_2023-01.json"
    for folder in (SAMPLES, SAMPLES / "openlibrary"):
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"{name} is not here; LAKE_SAMPLES names the folder of captured pages")
