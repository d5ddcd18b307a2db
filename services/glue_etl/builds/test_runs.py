"""Which runs the next build takes."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds.runs import Plan, RunLedger
from glue_etl.compaction.days import Roots
from glue_etl.errors import NoRunsError, RunExcludedError, RunNotProcessedError
from glue_etl.testing.lake import Lake
from schemas.keys import BUILD_PATTERN
from schemas.ledger.curated_build import BUILD_FORMAT, BuildRecord, ExcludedRun

FIRST, SECOND = "20261122T060000Z", "20261123T060000Z"
WORK = {"work_key": "/works/OL1W", "subjects": ["love"]}


@pytest.fixture
def ledger(lake: Lake) -> RunLedger:
    return RunLedger(LocalFiles(), lake.runs, Roots(lake.processed, lake.compacted))


def plan_of(ledger: RunLedger, *arguments: object, full: bool = False) -> Plan:
    plan = ledger.plan(*arguments, full=full)  # type: ignore[arg-type]  # as the tests say
    assert plan is not None
    return plan


def record_of(plan: Plan, form: int = BUILD_FORMAT) -> BuildRecord:
    return BuildRecord(
        build=plan.id(),
        format=form,
        previous=plan.previous,
        mode=plan.mode,
        runs=dict(plan.runs),
        new_runs=list(plan.new_runs),
        dump=plan.newest_dump,
        tables={},
        rules=[],
        contract_version="1",
        service_version="0.1.0",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


def test_the_first_build_takes_all_runs_that_are_processed(lake: Lake, ledger: RunLedger) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    lake.put_run(SECOND, {"love": [WORK], "person:jane_austen": [WORK]})
    (lake.root / "runs/run_id=20261124T060000Z").mkdir()
    (lake.root / "runs/by_hand").mkdir()

    plan = plan_of(ledger, None)

    assert (plan.mode, plan.new_runs, plan.previous) == ("full", (FIRST, SECOND), None)
    lake.put_run(f"{SECOND[:8]}T070000Z", {"love": [WORK]})
    names = [uri.rpartition("/")[2] for uri in again(lake).input_of([SECOND])["works"].pages]
    assert names == [
        f"{SECOND}-love-000000.parquet",
        f"{SECOND}-person%3Ajane_austen-000000.parquet",
    ]


def test_the_next_takes_what_is_new(lake: Lake, ledger: RunLedger) -> None:
    lake.put_run(SECOND, {"love": [WORK]})
    last = record_of(plan_of(ledger, None))
    assert ledger.plan(last) is None
    lake.put_run(FIRST, {"love": [WORK]})

    plan = plan_of(ledger, last, [FIRST])

    assert (plan.mode, plan.new_runs, plan.read_runs) == ("incremental", (FIRST,), (FIRST,))
    assert (plan.previous, set(plan.runs)) == (last.build, {FIRST, SECOND})
    assert not plan.shrinks


@pytest.mark.parametrize("title", ["Emma", "Love"])
def test_a_replayed_run_is_noticed_unasked_even_at_the_same_size(
    lake: Lake, ledger: RunLedger, title: str
) -> None:
    lake.put_run(FIRST, {"love": [WORK | {"title": "Emma"}]})
    lake.put_run(SECOND, {"love": [WORK]})
    last = record_of(plan_of(ledger, None))
    before = sizes(lake)
    lake.put_run(FIRST, {"love": [WORK | {"title": title}]})
    assert sizes(lake) == before

    plan = again(lake).plan(last)

    if title == "Emma":
        assert plan is None, "the same rows once more are nothing new"
    else:
        assert plan is not None
        assert (plan.mode, plan.new_runs, plan.read_runs) == ("full", (FIRST,), (FIRST, SECOND))


DUMP, LATER_DUMP = "20261122T235959Z", "20261123T235959Z"


def test_a_dump_and_what_is_older_than_one_come_in_with_all_runs(lake: Lake) -> None:
    """GIVEN a build without a dump WHEN dumps and runs come THEN only runs that are newer than the
    newest dump are added to a build, whether or not the dump's files are still there.
    """
    lake.put_run(SECOND, {"love": [WORK]})
    last = record_of(plan_of(again(lake), None))
    lake.put_dump(DUMP, [WORK])
    plan = plan_of(again(lake), last)
    assert (plan.mode, plan.new_runs, plan.newest_dump) == ("full", (DUMP,), DUMP)
    assert plan.grows

    last = record_of(plan)
    shutil.rmtree(lake.root / "processed_data/dump_works")
    lake.put_run("20261124T060000Z", {"love": [WORK]})
    newer = plan_of(again(lake), last)
    assert (newer.mode, newer.newest_dump, newer.grows) == ("incremental", DUMP, False)

    lake.put_run(FIRST, {"love": [WORK]})
    assert plan_of(again(lake), last).mode == "full"


def test_a_dump_that_is_left_out_overrules_nothing(lake: Lake) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    lake.put_dump(DUMP, [WORK], unreadable=["/works/OL2W"])
    lake.put_dump(LATER_DUMP, [WORK])
    ledger = again(lake)
    plan = plan_of(ledger, None)

    assert plan.newest_dump == LATER_DUMP
    assert plan.with_new([FIRST, DUMP]).newest_dump == DUMP
    assert plan.with_new([FIRST]).newest_dump is None
    assert ledger.unreadable_works(DUMP) == {"/works/OL2W"}


def again(lake: Lake) -> RunLedger:
    return RunLedger(LocalFiles(), lake.runs, Roots(lake.processed, lake.compacted))


def sizes(lake: Lake) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in (lake.root / "processed_data").rglob("*.p*")}


def test_runs_whose_files_have_expired_are_not_replayed(lake: Lake, ledger: RunLedger) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    last = record_of(plan_of(ledger, None))
    for path in (lake.root / "processed_data").rglob("*.parquet"):
        path.unlink()

    assert again(lake).plan(last) is None


def note(run: str, fingerprint: str | None = None) -> dict[str, ExcludedRun]:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    return {run: ExcludedRun(run_id=run, reason="odd", excluded_at=moment, fingerprint=fingerprint)}


def test_an_excluded_run_waits_and_is_taken_out_of_the_tables(
    lake: Lake, ledger: RunLedger
) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    last = record_of(plan_of(ledger, None))
    lake.put_run(SECOND, {"love": [WORK]})

    assert again(lake).plan(last, excluded=note(SECOND)) is None
    plan = again(lake).plan(last, excluded=note(FIRST))
    assert plan is not None
    assert (plan.mode, set(plan.runs), plan.new_runs) == ("full", {SECOND}, (SECOND,))
    assert plan.shrinks
    with pytest.raises(RunExcludedError, match="odd"):
        again(lake).plan(last, [SECOND], excluded=note(SECOND))


def test_a_run_left_out_for_its_rows_is_tried_again_when_replayed_or_asked_for(
    lake: Lake, ledger: RunLedger
) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    last = record_of(plan_of(ledger, None))
    lake.put_run(SECOND, {"love": [WORK]})
    left_out = note(SECOND, again(lake).fingerprint(SECOND))

    assert again(lake).plan(last, excluded=left_out) is None
    plan = again(lake).plan(last, [SECOND], excluded=left_out)
    assert plan is not None
    asked_for = record_of(plan)
    assert again(lake).plan(asked_for, excluded=left_out) is None, "it stays in"
    lake.put_run(SECOND, {"love": [WORK | {"title": "Corrected"}]})
    assert again(lake).plan(last, excluded=left_out) is not None
    left_out = note(SECOND, again(lake).fingerprint(SECOND))
    plan = again(lake).plan(asked_for, excluded=left_out)
    assert plan is not None
    assert SECOND not in plan.runs, "nor as it was before the replay that broke a rule"


def test_a_part_of_the_new_runs_can_be_built(lake: Lake, ledger: RunLedger) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    lake.put_run(SECOND, {"love": [WORK]})

    plan = plan_of(ledger, None).with_new([SECOND])

    assert (plan.new_runs, set(plan.runs), plan.grows) == ((SECOND,), {SECOND}, False)


def test_a_build_of_an_older_form_is_no_basis(lake: Lake, ledger: RunLedger) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    last = record_of(plan_of(ledger, None), BUILD_FORMAT - 1)

    assert plan_of(ledger, last).mode == "full"


def test_the_build_s_id_follows_from_the_plan(lake: Lake, ledger: RunLedger) -> None:
    import re

    lake.put_run(FIRST, {"love": [WORK]})
    plan = plan_of(ledger, None)

    assert plan_of(ledger, None).id("bounds") == plan.id("bounds")
    assert plan.id().startswith(f"{FIRST}-")
    assert re.fullmatch(BUILD_PATTERN, plan.id())
    assert plan_of(ledger, record_of(plan), full=True).id() != plan.id()
    assert plan.id("bounds") != plan.id("other bounds")


def test_what_is_not_processed_is_refused(lake: Lake, ledger: RunLedger) -> None:
    with pytest.raises(NoRunsError):
        ledger.plan(None)
    lake.put_run(FIRST, {"love": [WORK]})
    with pytest.raises(RunNotProcessedError, match=SECOND) as caught:
        ledger.plan(None, [FIRST, SECOND])
    assert caught.value.fields == {"runs": [SECOND]}


def test_files_that_only_begin_like_a_run_s_are_not_its(lake: Lake, ledger: RunLedger) -> None:
    lake.put_run(FIRST, {"love": [WORK]})
    folder = Path(lake.root) / "processed_data/works/ingest_date=2026-11-22"
    (folder / f"{FIRST}0-love.parquet").write_bytes(b"")
    (folder / f"{FIRST}-love.parquet.tmp").write_bytes(b"")

    assert len(ledger.input_of([FIRST])["works"].pages) == 1
