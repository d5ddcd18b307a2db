import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openlibrary_standin import FaultRule, StandInConfig
from openlibrary_standin.cli import parse_arguments
from openlibrary_standin.conftest import Fetch


def test_defaults_are_those_of_the_configuration() -> None:
    assert parse_arguments([]) == StandInConfig()


def test_arguments() -> None:
    line = (
        "--port 8080 --works 10 --seed 3 --revision 2 --latency-ms 50 --bad-record-share 0.005 "
        "--legacy-fields --any-user-agent --rate-limit --subject place:london=5 "
        "--captured love=/tmp/love.json --fault 5xx=0.05 --fault down"
    )
    assert parse_arguments(line.split()) == StandInConfig(
        port=8080,
        works=10,
        seed=3,
        revision=2,
        latency_ms=50,
        subject_works={"place:london": 5},
        bad_record_share=0.005,
        legacy_fields=True,
        enforce_user_agent=False,
        enforce_rate_limit=True,
        faults={"5xx": FaultRule(rate=0.05), "down": FaultRule(rate=1)},
        captured={"love": Path("/tmp/love.json")},  # noqa: S108 - never opened
    )


@pytest.mark.parametrize("fault", ["nonsense=1", "5xx=often", "5xx=7"])
def test_bad_faults_are_refused(fault: str) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--fault", fault])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_runs_until_it_is_stopped(fetch: Fetch, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "openlibrary_standin", "--works", "100"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert fetch(f"{url}/subjects/love.json").json["work_count"] == 18
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
    finally:
        process.kill()
        process.communicate()
