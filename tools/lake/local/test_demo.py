import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from lake.errors import DemoBusyError
from lake.local.demo import Options, run_demo
from lake.local.local_aws import LocalAws, free_port
from lake.locks import exclusive
from lake.project import Project
from lake.terminal.progress import Progress


def test_a_second_demo_in_the_clone_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    local = LocalAws(project.state / "local", [sys.executable, "-c", "raise SystemExit"])
    progress = Progress(Console(file=io.StringIO()))

    with (
        exclusive(project.state / "demo.lock", DemoBusyError("")),
        pytest.raises(DemoBusyError, match="Another demo is running in this clone"),
    ):
        run_demo(project, local, Options(free_port()), progress)
