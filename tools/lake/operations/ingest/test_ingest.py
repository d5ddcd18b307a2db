"""A run now: what it crawls, where it is crawled, and how far it is watched."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from lake.aws import Cloud
from lake.errors import CrawlBusyError, DeployError, NotDeployedError, SourceUnreachableError
from lake.local.sources import CrawlSource, opened
from lake.locks import exclusive
from lake.operations.ingest import command
from lake.operations.ingest.command import Request, ingest
from lake.project import Project
from lake.runs.summary import RunSummary
from lake.terminal.progress import Progress
from schemas.source.subjects import ConfiguredSubject

URL = "http://127.0.0.1:1"
DOGS = ConfiguredSubject(subject="dogs")
LOVE = ConfiguredSubject(subject="love", max_works=5)


class VersionedProject(Project):
    """A project whose services have a version, and no files."""

    def version(self, service: str) -> str:
        return {"ingest": "1.2.3"}[service]


CLOUD, PROJECT = Cloud(), VersionedProject(Path())


class FakeLake:
    """Everything that a run needs, recorded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parameters = {
            "foundation/data-bucket": "data",
            "process/queue-url": "queue",
            "ingest/service-version": "0.3.0",
            "glue_etl/etl-job-name": "etl",
        }
        self.crawled: list[Sequence[Any]] = []
        self.deployed: list[dict[str, str]] = []
        self.opened: list[dict[str, Any]] = []
        self.summary = RunSummary("R", "complete", 1, 10, 9, 1)
        self.steps: list[str] = []
        for target, replacement in {
            "Cloud.parameter": lambda _cloud, path: self.parameter(path),
            "crawl.run_now": self.run_now,
            "crawl.dead_letters": lambda *_: 3 - len(self.crawled),
            "crawl.wait_until_processed": lambda *_, dead: self.steps.append(f"process, {dead}"),
            "summarise": lambda *_: self.summary,
            "run_ids": lambda *_: ["A", "B"],
            "sources.opened": self.open_source,
            "deployment.plan_unit": self.plan_unit,
            "deployment.apply": lambda *_: None,
            "spark.prepare": lambda _project: self.steps.append("spark"),
            "workspace_of": lambda *_: None,
            "refresh.run_etl": lambda *_: SimpleNamespace(tables={"works": 9}),
            "waiting.wait_until_curated": lambda *_: {"works": 99},
        }.items():
            monkeypatch.setattr(f"lake.operations.ingest.command.{target}", replacement)

    def parameter(self, path: str) -> str:
        if path not in self.parameters:
            raise NotDeployedError(f"{path} is not set.")
        return self.parameters[path]

    def run_now(self, _cloud: Cloud, _bucket: str, _show: Any, subjects: Sequence[Any]) -> None:
        self.crawled.append(subjects)

    @contextlib.contextmanager
    def open_source(self, *_: Any, **options: Any) -> Iterator[CrawlSource]:
        self.opened.append(options)
        yield CrawlSource(URL, "me@example.org")

    def plan_unit(self, *words: Any, keeps_package: bool) -> None:
        assert keeps_package
        self.deployed.append(words[-1])


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> FakeLake:
    return FakeLake(monkeypatch)


def run(project: Path, request: Request, *, env: str | None = None) -> command.IngestResult:
    cloud = Cloud(env=env) if env else Cloud(endpoint="http://127.0.0.1:2")
    progress = Progress(Console(file=io.StringIO()))
    return ingest(cloud, Project(project), request, progress)


def test_a_run_on_this_machine_crawls_what_is_named_from_the_stand_in(
    lake: FakeLake, tmp_path: Path
) -> None:
    result = run(tmp_path, Request([DOGS, LOVE]))

    assert lake.crawled == [["dogs", {"subject": "love", "max_works": 5}]]
    # The dead letters are counted before the run: others' do not end it.
    assert "process, 3" in lake.steps
    assert lake.opened == [
        {"live": False, "contact": "", "revision": 2, "subjects": ["dogs", "love"]}
    ]
    (parameters,) = lake.deployed
    assert (parameters["SourceUrl"], parameters["Contact"]) == (URL, "me@example.org")
    assert parameters["ScheduleState"] == "DISABLED"
    assert (result.curated, result.remark, result.is_synthetic) == ({"works": 9}, "", True)
    assert list(result.stages) == [
        "Set up Spark",
        "Point ingest at its source",
        "Crawl",
        "Process",
        "Build the curated tables by Spark",
    ]


def test_on_aws_the_deployed_source_is_crawled_and_glue_waited_for(
    lake: FakeLake, tmp_path: Path
) -> None:
    result = run(tmp_path, Request(), env="dev")

    assert lake.crawled == [[]]
    assert lake.opened == lake.deployed == []
    assert (result.curated, result.is_synthetic) == ({"works": 99}, False)


def test_an_ingest_that_would_crawl_something_else_is_refused(
    lake: FakeLake, tmp_path: Path
) -> None:
    lake.parameters["ingest/service-version"] = "0.2.9"

    with pytest.raises(DeployError, match=r"ingest 0\.2\.9 is deployed") as caught:
        run(tmp_path, Request([DOGS]), env="dev")

    assert "./lake deploy ingest --env dev" in caught.value.hint
    assert run(tmp_path, Request(), env="dev").ok


def test_without_glue_etl_the_tables_are_left_out(lake: FakeLake, tmp_path: Path) -> None:
    del lake.parameters["glue_etl/etl-job-name"]

    result = run(tmp_path, Request([DOGS]))

    assert result.curated == {}
    assert "./lake deploy glue_etl" in result.remark
    assert "spark" not in lake.steps


def test_tables_are_not_built_where_nothing_came(lake: FakeLake, tmp_path: Path) -> None:
    lake.summary = RunSummary("R", "failed", 0, 0, 0, 0)

    result = run(tmp_path, Request([DOGS]))

    assert (result.curated, result.ok) == ({}, False)


def test_two_crawls_of_one_clone_do_not_take_each_others_source(
    lake: FakeLake, tmp_path: Path
) -> None:
    with (
        exclusive(tmp_path / ".lake/demo.lock", CrawlBusyError("")),
        pytest.raises(CrawlBusyError, match="Another crawl"),
    ):
        run(tmp_path, Request([DOGS]))

    assert lake.deployed == []


def test_process_must_be_deployed(lake: FakeLake, tmp_path: Path) -> None:
    del lake.parameters["process/queue-url"]

    with pytest.raises(NotDeployedError, match="process/queue-url"):
        run(tmp_path, Request([DOGS]))


def test_the_stand_in_is_given_the_subjects_that_it_does_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[list[str]] = []

    @contextlib.contextmanager
    def standin(arguments: list[str]) -> Iterator[str]:
        started.append(arguments)
        yield URL

    monkeypatch.setattr("lake.local.sources.standin", standin)
    subjects = ["dogs", "love", "dogs"]
    with opened(CLOUD, PROJECT, live=False, contact="", revision=3, subjects=subjects) as found:
        assert found == CrawlSource(URL, "demo@example.org")

    assert [word for word in started[0] if "=" in word] == ["dogs=300"]
    assert started[0][started[0].index("--revision") + 1] == "3"


def test_the_real_source_is_asked_under_the_name_that_ingest_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "lake.local.sources.source.require_reachable", lambda *given: asked.append(given)
    )

    with opened(CLOUD, PROJECT, live=True, contact="me@example.org", revision=0) as found:
        assert found == CrawlSource("https://openlibrary.org", "me@example.org")

    agent = "openlake-local-ingest/1.2.3 (me@example.org)"
    assert asked == [("https://openlibrary.org", agent)]


def test_more_subjects_than_the_stand_in_takes_are_refused() -> None:
    subjects = [f"subject_{number}" for number in range(41)]

    with (
        pytest.raises(SourceUnreachableError, match="takes 40 subjects of your own, not 41"),
        opened(CLOUD, PROJECT, live=False, contact="", revision=0, subjects=subjects),
    ):
        pass
