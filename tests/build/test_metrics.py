"""The list of metrics is what the services emit: names, dimensions, units, namespace."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from ingest.logic.heartbeat import Action
from ingest.observability import CrawlObserver
from schemas.ledger.run import RunStatus, SubjectStatus

LISTED: dict[str, Any] = json.loads(Path("infra/metrics.json").read_text(encoding="utf-8"))
METRICS: list[dict[str, str]] = LISTED["metrics"]
INGEST = Path("services/ingest/observability.py")
RUN_WATCH = Path("infra/run_watch/function.py")
PROCESS = (Path("services/process/observability.py"), Path("services/process/logic/batch.py"))


def listed(service: str, begin: str = "") -> set[str]:
    """Return the listed names of a service that begin with a text."""
    return {
        item["name"]
        for item in METRICS
        if item["service"] == service and item["name"].startswith(begin)
    }


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric["name"])
def test_a_listed_metric_is_in_the_source(metric: dict[str, str]) -> None:
    sources = {"ingest": (INGEST,), "process": PROCESS, "run_watch": (RUN_WATCH,)}
    texts = [path.read_text(encoding="utf-8") for path in sources[metric["service"]]]

    assert any(metric["emitted"] in text for text in texts)


def test_what_process_counts_is_listed() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PROCESS)

    assert set(re.findall(r'count\("(\w+)"', text)) == listed("process")


@pytest.mark.parametrize(
    ("begin", "states"),
    [("Subjects", SubjectStatus), ("Runs", RunStatus), ("Heartbeats", Action)],
)
def test_every_state_that_ingest_counts_is_listed(begin: str, states: Any) -> None:
    assert {f"{begin}{state.title()}" for state in get_args(states)} == listed("ingest", begin)


def test_ingest_emits_under_the_listed_dimensions(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN an invocation WHEN it ends THEN one line of its log holds all metrics with units."""
    observer = CrawlObserver("openlake", env="dev")
    observer.counts.update(listed("ingest") - {"RemainingSeconds"})

    observer.run_known("20261123T060000Z")
    observer.close(12.5)

    line = json.loads(capsys.readouterr().out)
    (emitted,) = line["_aws"]["CloudWatchMetrics"]
    units = {item["name"]: item["unit"] for item in METRICS if item["service"] == "ingest"}
    assert emitted["Namespace"] == "openlake"
    assert [sorted(names) for names in emitted["Dimensions"]] == [sorted(LISTED["dimensions"])]
    assert (line["env"], line["service"]) == ("dev", "ingest")
    assert {item["Name"]: item["Unit"] for item in emitted["Metrics"]} == units
