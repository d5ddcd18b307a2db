"""Some scenarios of the campaign, on real packages in a local AWS."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.project import Project
from tests.faults.campaign import run_campaign, selected
from tests.faults.lab import Lab, opened

SANDBOX = Path.cwd()
MINISTACK = [sys.executable, str(SANDBOX / "tools/ministack.pex/__main__.py")]
# One of each kind: ingest, process, catalogue, events, clock.
SCENARIOS = (
    "ingest.PutObject.page:killed-after",
    "process.PutObject.rows:lost",
    "process.BatchCreatePartition:killed-after",
    "events:lost",
    "clock:process-skewed",
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lake whose functions reach its local AWS through the proxy."""
    project = Project(root=SANDBOX, dist=SANDBOX)
    with opened(tmp_path_factory.mktemp("aws"), project, MINISTACK, print) as found:
        yield found


def test_a_lake_is_whole_after_representative_faults(lab: Lab) -> None:
    result = run_campaign(lab, selected(SCENARIOS), seed=0, minutes=5, say=print)

    assert [one.seen for one in result.outcomes if not one.ok] == []
    assert len(result.outcomes) == len(SCENARIOS)
    assert result.check == []
