"""The whole lake for a test module: real packages and templates, on a local AWS of its own."""

import sys
from collections.abc import Iterator
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
    return captured_samples() / "subjects_love_limit1000_2023-01.json"
