"""What a failed job prints is what the command quotes: the real output of the package."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lake.aws import Cloud
from lake.errors import EtlFailedError
from lake.etl.glue_jobs import run_job
from tests.e2e.conftest import PROJECT


@pytest.fixture
def output(tmp_path: Path) -> str:
    """What a job prints that cannot read its build, standard error after standard output."""
    arguments = ["--curated", f"{tmp_path.as_uri()}/curated", "--runs", f"{tmp_path.as_uri()}/runs"]
    done = subprocess.run(
        [sys.executable, "-m", "glue_etl.publish", "--build", "B1", *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PROJECT.package("glue_etl")), *sys.path]),
        },
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, '"status"' in done.stdout) == (1, True), done
    return done.stdout + done.stderr


def test_a_failed_job_is_explained_in_its_own_words(output: str) -> None:
    # GIVEN a run of the job that failed, and all that it printed in one log group
    glue = SimpleNamespace(
        exceptions=SimpleNamespace(ConcurrentRunsExceededException=KeyError),
        start_job_run=lambda **_: {"JobRunId": "jr_1"},
        get_job_run=lambda **_: {
            "JobRun": {"JobRunState": "FAILED", "ErrorMessage": "SystemExit: 1"}
        },
    )

    def filter_log_events(**request: str) -> dict[str, list[dict[str, str]]]:
        assert request["logGroupName"] == "output-log-group"
        return {"events": [{"message": line} for line in output.splitlines()]}

    def get_parameter(**request: str) -> dict[str, dict[str, str]]:
        return {"Parameter": {"Value": request["Name"].rpartition("/")[2]}}

    clients = {
        "glue": glue,
        "logs": SimpleNamespace(filter_log_events=filter_log_events),
        "ssm": SimpleNamespace(get_parameter=get_parameter),
    }

    # WHEN the command follows it THEN it quotes the job, not Glue
    with pytest.raises(EtlFailedError, match=r"build\.missing: .*B1"):
        run_job(Cloud(env="dev", _clients=clients), "etl", {}, lambda _: None, sleep=lambda _: None)
