from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import EtlBusyError, EtlError, EtlFailedError
from lake.etl.compacted import fingerprints
from lake.etl.curated import is_whole, read_curated, replayed_runs, waiting_runs
from lake.etl.refresh import (
    EtlOptions,
    EtlResult,
    controls_of,
    run_etl,
    tables_written,
)
from lake.etl.workspace import Workspace
from lake.objects import list_objects
from lake.testing.lakes import (
    BUCKET,
    DATABASE,
    FakeJobs,
    keys,
    lake_in_memory,
    put,
    put_dump,
    put_run,
)
from schemas.curated_tables import CURATED
from schemas.keys import CURRENT_BUILD_KEY, build_record_key, excluded_run_key
from schemas.ledger.compacted import (
    CompactedDay,
    CompactedPage,
    CompactedPages,
    CompactedTable,
    page_fingerprints,
)
from schemas.ledger.curated_build import ExcludedRun, Pin

FIRST, SECOND = "20261122T060000Z", "20261123T060000Z"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


@pytest.fixture
def workspace(tmp_path: Path, cloud: Cloud) -> Workspace:
    return Workspace(tmp_path / "etl", FakeJobs(cloud=cloud))


def jobs_of(workspace: Workspace) -> FakeJobs:
    assert isinstance(workspace.jobs, FakeJobs)
    return workspace.jobs


def run(cloud: Cloud, workspace: Workspace, *, full: bool = False) -> EtlResult:
    return run_etl(cloud, workspace, EtlOptions(full=full), lambda _line: None)


def test_a_build_is_made_here_sent_and_published(cloud: Cloud, workspace: Workspace) -> None:
    # GIVEN a run that is processed, and one that is not
    put_run(cloud, FIRST)
    put(cloud, f"runs/run_id={SECOND}/plan.json")

    # WHEN the ETL runs
    result = run(cloud, workspace)

    # THEN the job read the one run from the stage, and published in the bucket
    job, publish = jobs_of(workspace).calls
    assert job[0] == "glue_etl.job"
    assert job[1]["publish"] == "false"
    assert {job[1][name].partition(":")[0] for name in ("processed", "curated", "runs")} == {"file"}
    assert publish == (
        "glue_etl.publish",
        {
            "build": "B1",
            "curated": f"s3://{BUCKET}/curated_data/",
            "runs": f"s3://{BUCKET}/runs/",
            "database": DATABASE,
        },
    )
    assert (result.status, result.new_runs) == ("published", [FIRST])
    assert result.tables == dict.fromkeys(CURATED, 1)
    assert len(keys(cloud, "curated_data/")) == len(CURATED) + 2
    assert read_curated(cloud, BUCKET).rows == result.tables


def test_the_next_build_stages_only_the_new_run(cloud: Cloud, workspace: Workspace) -> None:
    # GIVEN a published build
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_run(cloud, SECOND)

    # WHEN the next run comes
    result = run(cloud, workspace)

    # THEN of the bucket only its two files, its ledger and the pointer to the build are fetched
    assert (result.status, result.new_runs, result.tables["works"]) == ("published", [SECOND], 2)
    assert result.objects_staged == 4
    seen = jobs_of(workspace).found[-1]
    assert not [name for name in seen if FIRST in name]
    assert {name for name in seen if "build=B1" in name}


def test_without_a_new_run_spark_does_not_start(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)

    result = run(cloud, workspace)

    assert (result.status, result.build, result.tables["works"]) == ("unchanged", "B1", 1)
    # Once more, because a job may have been killed before it had cleaned up.
    assert jobs_of(workspace).modules() == ["job", "publish", "publish"]


def test_all_runs_are_staged_for_a_full_build(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)

    result = run(cloud, workspace, full=True)

    assert result.status == "published"
    assert jobs_of(workspace).calls[-2][1]["full"] == "true"
    assert [name for name in jobs_of(workspace).found[-1] if FIRST in name]


def test_the_bounds_are_passed_to_the_job(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_run(cloud, SECOND)

    options = EtlOptions(max_ratio=100.0, min_ratio=0.0)
    run_etl(cloud, workspace, options, lambda _line: None)

    first, second = (
        found for module, found in jobs_of(workspace).calls if module == "glue_etl.job"
    )
    assert first.keys().isdisjoint({"min-ratio", "max-ratio"})
    assert (second["min-ratio"], second["max-ratio"]) == ("0.0", "100.0")


def test_a_build_in_an_older_format_is_rebuilt_from_all_runs(cloud: Cloud, tmp_path: Path) -> None:
    """GIVEN a build of an older form WHEN a run comes THEN all runs are staged: the job builds
    anew, and would otherwise lose what is not there.
    """
    put_run(cloud, FIRST)
    run(cloud, Workspace(tmp_path / "old", FakeJobs(cloud=cloud, form=0)))
    put_run(cloud, SECOND)
    workspace = Workspace(tmp_path / "new", FakeJobs(cloud=cloud))

    result = run(cloud, workspace)

    assert result.tables["works"] == 2
    assert jobs_of(workspace).calls[0][1]["full"] == "true"


def test_a_dump_and_what_is_older_than_one_are_built_with_all_runs(
    cloud: Cloud, workspace: Workspace
) -> None:
    """GIVEN a published build WHEN a dump comes, and then runs THEN all runs are staged for the
    dump and for the run before it, and a run after it is staged alone.
    """
    put_run(cloud, SECOND)
    run(cloud, workspace)
    put_dump(cloud, "20261122T235959Z")
    run(cloud, workspace)
    put_run(cloud, "20261124T060000Z")
    run(cloud, workspace)
    put_run(cloud, FIRST)
    run(cloud, workspace)

    jobs = [found for module, found in jobs_of(workspace).calls if module == "glue_etl.job"]
    assert [job["full"] for job in jobs] == ["true", "true", "false", "true"]
    staged = [{name for name in found if SECOND in name} for found in jobs_of(workspace).found]
    assert [bool(names) for names in staged] == [True, True, False, True]


def test_an_interrupted_publication_is_finished_without_touching_a_file(
    cloud: Cloud, workspace: Workspace, tmp_path: Path
) -> None:
    # GIVEN a build that is in the bucket whole, readers being sent to it when all was killed
    put_run(cloud, FIRST)
    broken = EtlFailedError("killed")
    killed = Workspace(
        tmp_path / "killed",
        replace(jobs_of(workspace), failing={"glue_etl.publish": broken}),
    )
    with pytest.raises(EtlFailedError):
        run(cloud, killed)
    before = keys(cloud, "curated_data/")

    # WHEN it is run again elsewhere, where the build is not
    result = run(cloud, workspace)

    # THEN it is published as it is
    assert (result.status, result.objects_sent) == ("published", 0)
    assert before < keys(cloud, "curated_data/")


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("damage", ["a", None])
def test_a_build_that_was_damaged_before_its_publication_is_made_and_sent_again(
    cloud: Cloud, workspace: Workspace, tmp_path: Path, *, damage: str | None, full: bool
) -> None:
    """GIVEN a build in the bucket that is not published, and a file of it that is cut or gone WHEN
    the ETL runs THEN the job does not find its record, and the bucket has the build whole.
    """
    put_run(cloud, FIRST)
    failing = {"glue_etl.publish": EtlFailedError("killed")}
    killed = Workspace(tmp_path / "killed", replace(jobs_of(workspace), failing=failing))
    with pytest.raises(EtlFailedError):
        run(cloud, killed)
    (file,) = keys(cloud, "curated_data/works/")
    if damage is None:
        cloud.client("s3").delete_object(Bucket=BUCKET, Key=file)
    else:
        put(cloud, file, damage)
    assert not is_whole(cloud, BUCKET, "B1")

    result = run(cloud, workspace, full=full)

    assert build_record_key("B1") not in jobs_of(workspace).found[-1]
    assert (result.status, result.objects_sent) == ("published", len(CURATED) + 1)
    assert is_whole(cloud, BUCKET, "B1")


def test_the_record_of_the_current_build_is_staged_whatever_its_files_are(
    cloud: Cloud, workspace: Workspace
) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    (file,) = keys(cloud, "curated_data/works/")
    put(cloud, file, "a")

    run(cloud, workspace, full=True)

    assert build_record_key("B1") in jobs_of(workspace).found[-1]


def test_a_build_without_a_readable_record_is_not_whole(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    assert is_whole(cloud, BUCKET, "B1")
    put(cloud, build_record_key("B1"), "{")

    assert [is_whole(cloud, BUCKET, build) for build in ("B1", "B2")] == [False, False]


def test_a_failed_job_changes_nothing_and_is_logged(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    jobs_of(workspace).failing["glue_etl.job"] = EtlFailedError(
        "keys_unique:works", code="rules.failed"
    )
    before = keys(cloud)

    with pytest.raises(EtlFailedError, match="keys_unique"):
        run(cloud, workspace)

    assert keys(cloud) == before
    (noted,) = workspace.job_log.newest(BUCKET, 5)
    assert (noted.job, noted.state, noted.error) == ("etl", "FAILED", "keys_unique:works")
    assert workspace.job_log.newest("another", 5) == []


def test_a_failed_job_s_notes_on_runs_that_break_a_rule_are_kept(
    cloud: Cloud, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a job that fails, and has noted a run that the next one leaves out WHEN it has failed
    THEN the note is in the bucket.
    """
    put_run(cloud, FIRST)
    note = excluded_run_key(FIRST)

    def fail(*_: object) -> None:
        path = workspace.stage.path(note)
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        raise EtlFailedError("not_empty:works", code="rules.failed")

    monkeypatch.setattr(FakeJobs, "_job", fail)
    with pytest.raises(EtlFailedError):
        run(cloud, workspace)

    assert keys(cloud, "curated_data/") == {note}


def test_an_interrupted_run_is_logged_as_stopped(
    cloud: Cloud, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run(cloud, FIRST)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeJobs, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(cloud, workspace)

    assert workspace.job_log.newest(BUCKET, 1)[0].state == "STOPPED"


def test_without_a_processed_run_it_says_what_to_do(cloud: Cloud, workspace: Workspace) -> None:
    put(cloud, f"runs/run_id={FIRST}/manifest.json")

    with pytest.raises(EtlError, match="no processed run") as caught:
        run(cloud, workspace)

    assert "./lake demo" in caught.value.hint


def test_one_run_at_a_time(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)

    with workspace.locked(), pytest.raises(EtlBusyError):
        run(cloud, workspace)


def test_the_lag_is_the_processed_runs_that_are_not_in_the_build(
    cloud: Cloud, workspace: Workspace
) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_run(cloud, SECOND)
    put(cloud, "runs/run_id=no-run/processed.json")

    assert waiting_runs(cloud, BUCKET, read_curated(cloud, BUCKET)) == [SECOND]


def test_a_published_build_without_a_record_is_reported(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    cloud.client("s3").delete_object(Bucket=BUCKET, Key="curated_data/_builds/B1.json")

    with pytest.raises(EtlError, match="B1 is published but has no record"):
        run(cloud, workspace)


def test_tables_are_counted_as_they_are_written(tmp_path: Path) -> None:
    for place in (
        "works/build=A/x.parquet",
        "works/build=B/_temporary/x",
        "authors/build=B/y.parquet",
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.touch()

    assert tables_written(tmp_path, previous="A") == 1


def controlled(cloud: Cloud, workspace: Workspace, **controls: str) -> EtlResult:
    return run_etl(cloud, workspace, EtlOptions(controls=controls), lambda _line: None)


def test_a_pinned_build_stays_whatever_waits(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_run(cloud, SECOND)
    run(cloud, workspace)

    pinned = controlled(cloud, workspace, pin="B1", reason="B2 lacks authors")
    again = run(cloud, workspace)

    assert [(result.status, result.build) for result in (pinned, again)] == [("pinned", "B1")] * 2
    assert read_curated(cloud, BUCKET).pin is not None


def test_a_pin_that_was_cut_off_is_finished(cloud: Cloud, workspace: Workspace) -> None:
    """GIVEN a pin to B1 whose setter died before readers were there WHEN the ETL runs THEN it sends
    them there.
    """
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_run(cloud, SECOND)
    run(cloud, workspace)
    current = read_curated(cloud, BUCKET).current
    assert current is not None
    pin = Pin(build="B1", pinned_at=current.builds[0].published_at)
    cut_off = current.model_copy(update={"pin": pin})
    put(cloud, CURRENT_BUILD_KEY, cut_off.model_dump_json())

    result = run(cloud, workspace)

    assert (result.status, result.build) == ("pinned", "B1")
    after = read_curated(cloud, BUCKET).current
    assert after is not None
    assert after.build == "B1"


def leave_out(cloud: Cloud, run_id: str) -> None:
    """Note what a job notes of a run that breaks a rule."""
    note = ExcludedRun(
        run_id=run_id,
        reason="rows_within_bounds:works",
        excluded_at=datetime(2026, 11, 23, tzinfo=UTC),
        fingerprint=fingerprints(cloud, BUCKET)[run_id],
    )
    put(cloud, excluded_run_key(run_id), note.model_dump_json())


def test_a_run_that_a_job_left_out_comes_back_when_it_is_replayed(
    cloud: Cloud, workspace: Workspace
) -> None:
    """GIVEN a run that a job left out WHEN it is as it was THEN it does not wait; and WHEN it has
    been replayed THEN the next build has it.
    """
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_run(cloud, SECOND)
    leave_out(cloud, SECOND)
    assert run(cloud, workspace).status == "unchanged"
    assert list(read_curated(cloud, BUCKET).excluded) == [SECOND]

    page = f"processed_data/works/ingest_date=2026-11-23/{SECOND}-love-000000.parquet"
    put(cloud, page, "corrected")

    assert waiting_runs(cloud, BUCKET, read_curated(cloud, BUCKET)) == [SECOND]
    result = run(cloud, workspace)
    assert (result.status, result.new_runs) == ("published", [SECOND])
    assert read_curated(cloud, BUCKET).excluded == {}


def test_a_run_that_was_left_out_and_is_built_is_not_taken_out(
    cloud: Cloud, workspace: Workspace
) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    leave_out(cloud, FIRST)

    known = read_curated(cloud, BUCKET)

    assert (known.can_extend, known.excluded) == (True, {})
    assert run(cloud, workspace).status == "unchanged"


def test_a_dump_that_a_job_left_out_stays_out(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    put_dump(cloud, "20261122T235959Z")
    note = ExcludedRun(
        run_id="20261122T235959Z",
        reason="not_empty:works",
        excluded_at=datetime(2026, 11, 23, tzinfo=UTC),
        fingerprint="of its parts",
    )
    put(cloud, excluded_run_key(note.run_id), note.model_dump_json())

    assert run(cloud, workspace).status == "unchanged"


def test_an_excluded_run_is_taken_out_by_a_full_build_without_it(
    cloud: Cloud, workspace: Workspace
) -> None:
    put_run(cloud, FIRST)
    put_run(cloud, SECOND)
    run(cloud, workspace)

    result = controlled(cloud, workspace, exclude=SECOND, reason="half a crawl")

    assert (result.status, result.build, result.tables["works"]) == ("published", "B1", 1)
    assert jobs_of(workspace).calls[-2][1]["full"] == "true"
    data = {name for name in jobs_of(workspace).found[-1] if not name.startswith("curated_data/_")}
    assert not [name for name in data if SECOND in name]
    assert waiting_runs(cloud, BUCKET, read_curated(cloud, BUCKET)) == []


def test_an_exclusion_needs_a_reason() -> None:
    with pytest.raises(EtlError, match="--exclude needs --reason"):
        controls_of(None, unpin=False, exclude=[FIRST], include=None, reason="")


def test_a_replayed_run_is_built_again_by_itself(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    assert run(cloud, workspace).status == "unchanged"
    put(cloud, f"processed_data/works/ingest_date=2026-11-22/{FIRST}-love-000000.parquet", "other")

    again = run(cloud, workspace)

    assert again.status == "published"
    assert jobs_of(workspace).calls[-2][1]["full"] == "true"


def compact_day(cloud: Cloud) -> None:
    """Move the files of a day into compacted ones, as the job does in the end."""
    paths = {}
    for item in list_objects(cloud, BUCKET, "processed_data/"):
        path = item.key.removeprefix("processed_data/")
        paths[path] = CompactedPage(etag=item.etag.strip('"'), rows=1)
        cloud.client("s3").delete_object(Bucket=BUCKET, Key=item.key)
    etags = {path: page.etag for path, page in paths.items()}
    record = CompactedDay(
        day="2026-11-22",
        generation="17",
        tables={"works": CompactedTable(rows=1, files={"part-00000.parquet": 1})},
        runs=page_fingerprints(etags, {}),
        compacted_at=datetime(2026, 11, 26, tzinfo=UTC),
        token=17,
    )
    put(cloud, "compacted_data/_days/2026-11-22.json", record.model_dump_json())
    put(cloud, "compacted_data/works/ingest_date=2026-11-22/17/part-00000.parquet")
    pages = CompactedPages(paths).to_bytes()
    key = "compacted_data/_pages/ingest_date=2026-11-22/17.json.gz"
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=pages)


def test_a_run_that_is_compacted_is_no_replayed_one_and_is_staged_for_a_full_build(
    cloud: Cloud, workspace: Workspace
) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    compact_day(cloud)

    assert run(cloud, workspace).status == "unchanged"
    run(cloud, workspace, full=True)

    staged = jobs_of(workspace).found[-1]
    assert "compacted_data/works/ingest_date=2026-11-22/17/part-00000.parquet" in staged
    assert "compacted_data/_days/2026-11-22.json" in staged
    assert "compacted_data/_pages/ingest_date=2026-11-22/17.json.gz" in staged


def test_a_compacted_run_that_is_replayed_is_built_again(
    cloud: Cloud, workspace: Workspace
) -> None:
    put_run(cloud, FIRST)
    run(cloud, workspace)
    compact_day(cloud)
    put(cloud, f"processed_data/works/ingest_date=2026-11-22/{FIRST}-love-000000.parquet", "other")

    known = read_curated(cloud, BUCKET)

    assert replayed_runs(cloud, BUCKET, known) == [FIRST]


def test_past_days_are_compacted_when_asked_for(cloud: Cloud, workspace: Workspace) -> None:
    put_run(cloud, FIRST)

    result = run_etl(cloud, workspace, EtlOptions(compact=True), lambda _line: None)

    assert result.compacted == ["2026-11-22"]
    module, arguments = jobs_of(workspace).calls[-1]
    assert module == "glue_etl.compact"
    assert arguments["compacted"] == f"s3://{BUCKET}/compacted_data/"
    assert (arguments["compact-after-days"], arguments["database"]) == ("0", DATABASE)
