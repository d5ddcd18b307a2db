"""What the job decides by rows and runs; the rows are made up, and no Spark is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.no_catalogue import NoCatalogue
from glue_etl.builds.etl import Etl, Outcome
from glue_etl.builds.exclusions import Exclusions
from glue_etl.builds.lease import Lease
from glue_etl.builds.publication import Publisher, Retention
from glue_etl.builds.rules import TableFacts
from glue_etl.errors import RulesFailedError
from glue_etl.settings import JobArguments
from glue_etl.testing.lake import Lake
from schemas.curated_tables import CURATED

RUNS = [f"202611{day}T060000Z" for day in range(10, 28)]
FIRST, SECOND, THIRD = RUNS[:3]
DUMP = "20261130T235959Z"
WORK = {"work_key": "/works/OL1W", "subjects": ["love"]}


@dataclass
class CountingEtl(Etl):
    """Counts the rows that its runs have, instead of writing them."""

    rows: dict[str, int] = field(default_factory=dict)
    built: int = 0

    def _write(self, writer: Any, plan: Any, *_: object) -> None:
        self.built = sum(self.rows[run] for run in plan.runs)
        for table in CURATED.values():
            uri = f"{writer.curated}{table.folder(writer.build)}part-0.parquet"
            self.files.write(uri, b"rows")

    def _measure(self, *_: object, **__: object) -> dict[str, TableFacts]:
        return {name: TableFacts(self.built, self.built) for name in CURATED}


@dataclass
class CountedLake:
    """A lake whose runs are numbers of rows."""

    lake: Lake
    rows: dict[str, int] = field(default_factory=dict)

    def put(self, run: str, rows: int, title: str = "Emma") -> None:
        """Write a run, which is a dump if it ends a day."""
        self.rows[run] = rows
        work = WORK | {"title": title}
        if run.endswith("T235959Z"):
            self.lake.put_dump(run, [work])
        else:
            self.lake.put_run(run, {"love": [work]})

    def job(self, **arguments: object) -> Outcome:
        """Run the job with narrow bounds."""
        given = {"slack_rows": 0, "max_ratio": 2} | arguments
        parsed = JobArguments.parse(self.lake.arguments(**given))
        files = LocalFiles()
        lease = Lease(files, f"{parsed.curated}_lease.json")
        retention = Retention(3, timedelta(hours=1))
        publisher = Publisher(files, NoCatalogue(), parsed.curated, parsed.runs, retention, lease)
        no_spark: Any = lambda _: None  # noqa: E731  # any type will do
        return CountingEtl(parsed, files, publisher, no_spark, rows=self.rows).run()

    def left_out(self) -> list[str]:
        """Return the runs that notes keep out."""
        return sorted(Exclusions(LocalFiles(), self.lake.curated).read())


@pytest.fixture
def counted(lake: Lake) -> CountedLake:
    return CountedLake(lake)


def test_a_dump_may_be_excluded_and_bounds_hold_again_afterwards(counted: CountedLake) -> None:
    counted.put(FIRST, 100)
    counted.job()
    counted.put(DUMP, 40_000_000)
    assert counted.job().status == "published"

    without = counted.job(exclude=DUMP, reason="should not have come in")

    assert (without.status, without.record.tables["works"].rows) == ("published", 100)
    counted.put(SECOND, 101)
    with pytest.raises(RulesFailedError, match="201 rows after 100, where 50 to 200 may be"):
        counted.job()


def test_jobs_make_progress_when_the_first_of_many_runs_are_poisoned(counted: CountedLake) -> None:
    """GIVEN a build and seventeen new runs of which the first three break a rule WHEN a job finds
    one of them and nothing sound THEN the next one does not try it again, and publishes the others.
    """
    counted.put(FIRST, 1000)
    counted.job()
    for run in RUNS[1:]:
        counted.put(run, 10_000 if run in RUNS[1:4] else 1)

    with pytest.raises(RulesFailedError, match=f"the next job leaves out {SECOND}") as caught:
        counted.job()
    assert caught.value.fields["left_out"] == counted.left_out() == [SECOND]

    second = counted.job()
    assert (second.status, list(second.left_out)) == ("published", RUNS[2:4])
    assert set(second.record.runs) == {FIRST, *RUNS[4:]}


def test_new_runs_are_not_blamed_for_what_known_ones_break(counted: CountedLake) -> None:
    """GIVEN a build whose run lost most of its rows by a replay WHEN two runs come THEN the build
    fails, and neither of them is left out for it.
    """
    counted.put(FIRST, 1000)
    counted.put(SECOND, 1)
    counted.job()
    counted.rows[FIRST] = 10
    counted.put(RUNS[3], 1)
    counted.put(RUNS[4], 1)

    with pytest.raises(RulesFailedError):
        counted.job(full="true")

    assert counted.left_out() == []


def test_what_is_known_is_published_when_all_new_runs_are_poisoned(counted: CountedLake) -> None:
    counted.put(FIRST, 100)
    counted.put(SECOND, 100)
    counted.job()
    counted.put(RUNS[3], 10_000)
    counted.put(RUNS[4], 10_000)

    outcome = counted.job(exclude=SECOND, reason="half a crawl")

    assert (outcome.status, set(outcome.record.runs)) == ("published", {FIRST})
    assert list(outcome.left_out) == counted.left_out()[1:] == RUNS[3:5]


def test_the_only_runs_of_a_lake_are_not_left_out(counted: CountedLake) -> None:
    counted.put(FIRST, 0)
    counted.put(SECOND, 0)

    for _ in range(2):
        with pytest.raises(RulesFailedError, match="not_empty:works"):
            counted.job()
    assert counted.left_out() == []


def test_a_run_that_was_left_out_and_asked_for_stays_in(counted: CountedLake) -> None:
    """GIVEN a run that a job left out WHEN somebody asks for it with wider bounds THEN no later job
    takes it out again, not even after a pin to the build before.
    """
    counted.put(FIRST, 100)
    first = counted.job().record.build
    counted.put(SECOND, 10_000)
    counted.put(THIRD, 1)
    assert list(counted.job().left_out) == [SECOND]

    assert counted.job(run_id=SECOND, max_ratio=1000).status == "published"

    assert counted.left_out() == []
    assert counted.job().status == "unchanged"
    counted.job(pin=first, reason="only to look")
    assert set(counted.job(unpin="true", max_ratio=1000).record.runs) == {FIRST, SECOND, THIRD}


@pytest.mark.parametrize("trial", [{"max_ratio": 1000}, {"max_ratio": 1000, "pair_limit": 1}])
def test_a_trial_is_not_published_by_a_job_with_other_bounds(
    counted: CountedLake, trial: dict[str, object]
) -> None:
    """GIVEN a build that a trial let pass and did not publish WHEN the next job comes with its own
    bounds THEN it judges by those, and a job with the trial's finds the build.
    """
    counted.put(FIRST, 100)
    counted.job()
    counted.put(SECOND, 10_000)
    tried = counted.job(publish="false", **trial)
    assert tried.status == "built"

    with pytest.raises(RulesFailedError, match="10100 rows after 100, where 50 to 200 may be"):
        counted.job()

    assert counted.job(**trial).record.build == tried.record.build
