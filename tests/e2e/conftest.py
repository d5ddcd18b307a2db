"""The whole lake for a test module: real packages and templates, on a local AWS of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.local.local_aws import LocalAws, free_port
from lake.project import Project
from schemas.testing.samples import captured_samples

SANDBOX = Path.cwd()
MINISTACK = [sys.executable, str(SANDBOX / "tools/ministack.pex/__main__.py")]
PROJECT = Project(root=SANDBOX, dist=SANDBOX)


@contextmanager
def local_cloud(folder: Path, names: list[str]) -> Iterator[Cloud]:
    """Run a local AWS with these units deployed for the length of the block."""
    local = LocalAws(folder, MINISTACK)
    server = local.start(free_port())
    try:
        cloud = Cloud(endpoint=server.endpoint)
        for unit in units.select(names):
            deployment.deploy_unit(cloud, PROJECT, unit, LOCAL.get(unit.name, {}), print)
        yield cloud
    finally:
        local.stop()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A local AWS with bootstrap, foundation and process; ended with the module."""
    folder = tmp_path_factory.mktemp("aws")
    with local_cloud(folder, ["bootstrap", "foundation", "process"]) as made:
        yield made


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> str:
    """The data bucket."""
    return cloud.parameter("foundation/data-bucket")


@pytest.fixture(scope="session")
def captured_page() -> Path:
    """A real page of 1000 works, captured in 2023; not part of the project."""
    return captured_samples() / "subjects_love_limit1000_2023-01.json"
