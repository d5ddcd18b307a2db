"""The job as a whole: increments, late and repeated runs, kills, and rules that hold it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds import etl as etl_module
from glue_etl.builds.etl import Etl
from glue_etl.conftest import FIRST, Build, put_run
from glue_etl.errors import (
    BuildDamagedError,
    BuildMissingError,
    NoRunsError,
    RulesFailedError,
    RunNotProcessedError,
    StorageError,
)
from glue_etl.job import publisher_for
from glue_etl.settings import JobArguments
from glue_etl.testing.duckdb_tables import duckdb_tables
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import current_build, read_tables
from schemas.curated_tables import CURATED
from schemas.derive.arrow import arrow_schema
from schemas.ledger.curated_build import BuildRecord, CuratedLedger

SECOND, LATE = "20261123T060000Z", "20261121T060000Z"
DEFAULTS = {"min_works": 1, "pair_subjects": 1000, "pairs": 10**5, "tracked": 200, "places": 100}

MANY = [{"work_key": f"/works/OL{n}W", "subjects": ["love"]} for n in range(1000, 1400)]


def expected(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """The tables as they must be: made anew from all files, by another engine."""
    return duckdb_tables(lake.root / "processed_data", DEFAULTS)


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def curated(lake: Lake) -> Path:
    return lake.root / "curated_data"


def test_increments_late_and_changed_runs_give_what_a_full_build_gives(
    built: Lake, curated: Path, etl: Build
) -> None:
    put_run(built, SECOND, 1)
    second = etl(built, run_id=SECOND)
    assert (second["mode"], second["new_runs"]) == ("incremental", [SECOND])
    assert read_tables(curated) == expected(built)

    put_run(built, LATE, 2)
    late = etl(built)
    assert (late["mode"], late["new_runs"], late["runs"]) == ("incremental", [LATE], 3)
    assert read_tables(curated) == expected(built)

    before = snapshot(built.root)
    again = etl(built, run_id=SECOND)
    assert (again["status"], again["build"]) == ("unchanged", late["build"])
    assert snapshot(built.root) == before

    put_run(built, SECOND, 3)
    changed = etl(built)
    assert (changed["mode"], changed["new_runs"]) == ("full", [SECOND])
    assert read_tables(curated) == expected(built)

    ledger = built.root / f"runs/run_id={LATE}/curated.json"
    entry = CuratedLedger.model_validate_json(ledger.read_text("utf-8"))
    assert (entry.build, entry.tables["works"]) == (late["build"], late["tables"]["works"]["rows"])


def test_a_damaged_file_fails_the_job_and_keeps_the_old_build(
    built: Lake, curated: Path, etl: Build
) -> None:
    good = current_build(curated)
    put_run(built, SECOND, 1)
    damaged = next((built.root / "processed_data/works").rglob(f"{SECOND}-*"))
    damaged.write_bytes(damaged.read_bytes()[:-100])

    with pytest.raises(Exception, match=damaged.name.replace("%", ".")):
        etl(built)

    assert current_build(curated) == good


def test_a_killed_job_is_finished_by_the_next(
    built: Lake, curated: Path, etl: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run(built, SECOND, 1)
    first = current_build(curated)
    with monkeypatch.context() as patch:
        patch.setattr(etl_module, "measure_small", killed)
        with pytest.raises(KeyboardInterrupt):
            etl(built)
    assert current_build(curated) == first

    written = etl(built, publish="false")
    assert written["status"] == "built"
    assert current_build(curated) == first

    arguments = JobArguments.parse(built.arguments(pair_min_works=1))
    files = LocalFiles()
    job = Etl(arguments, files, publisher_for(arguments, files), killed)
    assert job.run().status == "published"
    assert current_build(curated) == written["build"]
    assert read_tables(curated) == expected(built)


def killed(*_: object) -> Any:
    raise KeyboardInterrupt


def test_a_broken_rule_keeps_the_old_build_and_is_named(
    built: Lake, curated: Path, etl: Build
) -> None:
    """GIVEN a further run of many works WHEN a rule is broken THEN readers stay, and the next job
    whose bounds are wider takes the run.
    """
    good, before = current_build(curated), read_tables(curated)
    built.put_run(SECOND, {"love": MANY})

    with pytest.raises(RulesFailedError, match=r"rows_within_bounds:works\b") as caught:
        etl(built, max_ratio=3, slack_rows=0)

    assert caught.value.fields["build"] != good
    assert current_build(curated) == good
    assert read_tables(curated) == before
    assert not (built.root / f"runs/run_id={SECOND}/curated.json").exists()

    repaired = etl(built)
    assert repaired["status"] == "published"
    assert repaired["build"] != caught.value.fields["build"], "an attempt has its own folders"
    assert read_tables(curated) == expected(built)
    assert (built.root / f"runs/run_id={SECOND}/curated.json").exists()


def test_a_subject_that_is_an_asterisk_is_a_subject(lake: Lake, curated: Path, etl: Build) -> None:
    works = [
        {"work_key": f"/works/OL{n}W", "subjects": ["*"], "first_publish_year": 1999}
        | {"authors": [("/authors/OL1A", "Ann")]}
        for n in range(3)
    ]
    lake.put_run(FIRST, {"*": works, "love": works[:1]}, {"*": {1999: 7}})

    assert etl(lake)["status"] == "published"

    assert read_tables(curated) == expected(lake)
    years = {row["subject_key"]: row["works"] for row in read_tables(curated)["publishing_history"]}
    assert years == {"#all": 3, "*": 3, "love": 1}


def test_one_poisoned_run_is_left_out_named_and_does_not_block_the_others(
    built: Lake, curated: Path, etl: Build
) -> None:
    """GIVEN two waiting runs WHEN one of them breaks a rule THEN the other is published, the job
    says which one it left out, and the next job does not try it again.
    """
    built.put_run(LATE, {"love": MANY})
    put_run(built, SECOND, 1)

    result = etl(built, max_ratio=3, slack_rows=0)

    assert (result["status"], result["new_runs"], list(result["left_out"])) == (
        "published",
        [SECOND],
        [LATE],
    )
    assert "rows_within_bounds:works" in result["left_out"][LATE]
    assert etl(built)["status"] == "unchanged"
    assert etl(built, include=LATE)["new_runs"] == [LATE]
    assert read_tables(curated) == expected(built)


def cut_off(curated: Path, table: str) -> Callable[[], object]:
    """Leave half of a table's rows in the published build; return what restores the file."""
    (path,) = (curated / CURATED[table].folder(current_build(curated))).iterdir()
    whole = path.read_bytes()
    rows = pq.read_table(path)
    pq.write_table(rows.slice(0, rows.num_rows // 2), path)
    return partial(path.write_bytes, whole)


@pytest.mark.parametrize("table", ["works", "work_subjects", "subject_history"])
def test_an_increment_does_not_go_on_from_a_build_that_is_damaged(
    table: str, built: Lake, curated: Path, etl: Build
) -> None:
    """GIVEN a published build that lost rows THEN the loss is told, and not handed on to the next;
    no run is blamed for it, and a build of all runs makes it good.
    """
    restore = cut_off(curated, table)
    put_run(built, SECOND, 1)
    put_run(built, LATE, 2)

    with pytest.raises(BuildDamagedError, match=rf"{table} has 1 files .*--full true"):
        etl(built)

    assert not (curated / "_excluded").exists()
    assert etl(built, publish="false", full="true")["mode"] == "full"
    restore()
    assert sorted(etl(built)["new_runs"]) == sorted([SECOND, LATE])
    assert read_tables(curated) == expected(built)


def test_runs_are_not_blamed_for_what_the_build_before_breaks(
    built: Lake, curated: Path, etl: Build
) -> None:
    """GIVEN a published build whose rows break a rule THEN no waiting run is left out for it."""
    cut_off(curated, "works")
    build = current_build(curated)
    (path,) = (curated / CURATED["works"].folder(build)).iterdir()
    record = curated / f"_builds/{build}.json"
    told = BuildRecord.model_validate_json(record.read_bytes())
    size = told.tables["works"].model_copy(update={"bytes": path.stat().st_size})
    tables = told.tables | {"works": size}
    record.write_text(told.model_copy(update={"tables": tables}).model_dump_json())
    built.put_run(SECOND, {"love": MANY[:1]})
    built.put_run(LATE, {"love": MANY[1:2]})

    with pytest.raises(RulesFailedError, match="references_whole:work_subjects"):
        etl(built)

    assert not (curated / "_excluded").exists()


def test_a_build_that_nobody_reads_may_be_gone_on_from(lake: Lake, etl: Build) -> None:
    put_run(lake, FIRST, 0)
    build = etl(lake, publish="false")["build"]

    again = etl(lake, publish="false", previous=build)

    assert (again["status"], again["build"]) == ("unchanged", build)


def test_the_exclusion_of_the_only_run_is_said_to_leave_none(built: Lake, etl: Build) -> None:
    with pytest.raises(NoRunsError, match=rf"is excluded .{FIRST}.: let one in"):
        etl(built, exclude=FIRST, reason="half a crawl")


def test_an_excluded_run_leaves_the_tables_and_may_come_back(
    built: Lake, curated: Path, etl: Build
) -> None:
    before = read_tables(curated)
    put_run(built, SECOND, 1)
    etl(built)

    without = etl(built, exclude=SECOND, reason="half a crawl")

    assert (without["mode"], without["runs"]) == ("full", 1)
    assert read_tables(curated) == before
    etl(built, include=SECOND)
    assert read_tables(curated) == expected(built)


def test_a_large_run_may_be_excluded_and_only_that_lets_a_table_shrink(
    built: Lake, curated: Path, etl: Build
) -> None:
    """GIVEN a run that brought most of the rows WHEN it is excluded THEN the build without it is
    published, and the next job judges rows by that one.
    """
    before = read_tables(curated)
    built.put_run(SECOND, {"love": MANY})
    etl(built)

    without = etl(built, exclude=SECOND, reason="not of this lake", slack_rows=0)

    assert without["status"] == "published"
    assert read_tables(curated) == before
    assert etl(built, slack_rows=0)["status"] == "unchanged"


def test_a_lake_may_lie_in_a_folder_whose_name_reads_like_a_pattern(
    tmp_path: Path, etl: Build
) -> None:
    odd = Lake(tmp_path / "a[1]" / "b{x,y}")
    put_run(odd, FIRST, 0)
    assert etl(odd)["status"] == "published"
    put_run(odd, SECOND, 1)

    assert etl(odd)["mode"] == "incremental"
    assert read_tables(odd.root / "curated_data") == expected(odd)


def test_after_a_rollback_with_a_pin_jobs_leave_readers_alone(
    built: Lake, curated: Path, etl: Build
) -> None:
    good = current_build(curated)
    put_run(built, SECOND, 1)
    bad = etl(built)["build"]

    assert etl(built, pin=good, reason="the new one lacks authors")["status"] == "pinned"
    assert etl(built)["status"] == "pinned"
    assert current_build(curated) == good

    assert etl(built, unpin="true")["build"] == bad
    assert current_build(curated) == bad


def test_the_files_are_few_sorted_and_exactly_the_contract_s(built: Lake, curated: Path) -> None:
    for name, table in CURATED.items():
        (path,) = (curated / table.folder(current_build(curated))).iterdir()
        with pq.ParquetFile(path) as file:
            rows = file.read()
            assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        assert types_of(rows.schema) == types_of(arrow_schema(table.columns)), name
        keys = [tuple(row[column] for column in table.sort) for row in rows.to_pylist()]
        assert keys == sorted(keys), name


def types_of(schema: pa.Schema) -> dict[str, str]:
    # Spark marks what cannot be null; no reader asks.
    return {field.name: str(field.type).replace(" not null", "") for field in schema}


def test_nothing_to_build_is_said(lake: Lake, etl: Build) -> None:
    with pytest.raises(NoRunsError, match="run the crawl first"):
        etl(lake)
    with pytest.raises(RunNotProcessedError, match=FIRST):
        etl(lake, run_id=FIRST)


def test_a_build_without_its_record_says_what_to_restore(lake: Lake, etl: Build) -> None:
    """GIVEN a build whose record is gone THEN not even a full build goes on, and it says why."""
    with pytest.raises(BuildMissingError, match=r"restore the former version of \S+/B9\.json, see"):
        etl(lake, previous="B9", full=True)


def test_a_storage_failure_is_transient(lake: Lake, etl: Build) -> None:
    (lake.root / "runs").write_text("a file where a folder should be")
    (lake.root / "curated_data/_current.json").mkdir(parents=True)

    with pytest.raises(StorageError):
        etl(lake)
