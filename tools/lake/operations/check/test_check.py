"""What the check finds: nothing in a sound lake, and each kind of damage by its own code."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from moto import mock_aws

from lake.errors import CheckError
from lake.operations.check.command import _chosen_runs
from lake.operations.check.storage import Bucket
from lake.testing.lakes import BUCKET, DATABASE, lake_in_memory
from lake.testing.sound_lake import (
    BUILD,
    DUMP,
    FIRST,
    PAGES,
    RUN,
    SECOND,
    SoundLake,
    lines,
    parquet,
)
from schemas import keys
from schemas.curated_tables import CURATED
from schemas.keys import RawKey


def test_a_sound_lake_has_no_difference(lake: SoundLake) -> None:
    result = lake.check()

    assert result.differences == []
    assert result.ok
    assert (result.counts.pages, result.counts.records) == (2, 5)
    assert (result.counts.rows, result.counts.quarantined) == (4, 1)
    assert result.counts.builds == 1


Damage = Callable[[SoundLake], None]

DAMAGES: dict[str, Damage] = {
    "page.not_as_crawled": lambda lake: lake.change(SECOND.receipt_key, raw_sha256="0" * 64),
    "page.not_processed": lambda lake: lake.delete(SECOND.receipt_key),
    "receipt.unreadable": lambda lake: lake.put(SECOND.receipt_key, "{}"),
    "page.other_bytes": lambda lake: lake.put(
        SECOND.key, gzip.compress(b'{"work_count": 5, "works": [{}, {}]} ')
    ),
    "page.unreadable": lambda lake: lake.put(SECOND.key, b"no gzip"),
    "receipt.other_count": lambda lake: lake.change(SECOND.receipt_key, records=3, rows=3),
    "page.records_lost": lambda lake: lake.put(FIRST.processed_key("works"), parquet(position=[0])),
    "page.records_doubled": lambda lake: lake.put(
        FIRST.processed_key("works"), parquet(position=[0, 1])
    ),
    "page.records_foreign": lambda lake: lake.put(
        FIRST.processed_key("works"), parquet(position=[0, 7])
    ),
    "table.missing_file": lambda lake: lake.delete(FIRST.processed_key("works")),
    "table.other_count": lambda lake: lake.put(
        FIRST.processed_key("subject_facets"), parquet(name=["a"])
    ),
    "quarantine.missing_file": lambda lake: lake.delete(FIRST.quarantine_key("works")),
    "raw.missing": lambda lake: lake.delete(SECOND.key),
    "raw.unlisted": lambda lake: lake.change(
        keys.manifest_key(RUN), subjects=[{"subject": "x", "kind": "subject", "status": "empty"}]
    ),
    "ledger.missing": lambda lake: lake.delete(keys.processed_ledger_key(RUN)),
    "ledger.unreadable": lambda lake: lake.put(keys.manifest_key(RUN), "{"),
    "ledger.other_count": lambda lake: lake.change(keys.processed_ledger_key(RUN), rows=3),
    "ledger.superseded": lambda lake: lake.change(SECOND.receipt_key, contract_version="2"),
    "ledger.mismatch": lambda lake: lake.change(
        keys.processed_ledger_key(RUN), mismatches=["a page is missing"]
    ),
    "object.stray": lambda lake: lake.put(
        RawKey.of(RUN, "love", 99).processed_key("works"), parquet(position=[0])
    ),
    "build.other_files": lambda lake: lake.delete(
        f"{keys.curated_build_prefix('works', BUILD)}part-0.parquet"
    ),
    "build.no_record": lambda lake: lake.delete(keys.build_record_key(BUILD)),
    "build.unreadable": lambda lake: lake.put(keys.CURRENT_BUILD_KEY, "{}"),
    "catalogue.no_table": lambda lake: lake.cloud.client("glue").delete_table(
        DatabaseName=DATABASE, Name="authors"
    ),
    "catalogue.other_build": lambda lake: lake.cloud.client("glue").update_table(
        DatabaseName=DATABASE,
        TableInput=CURATED["authors"].table_input(f"s3://{BUCKET}/curated_data/authors/build=b-0/"),
    ),
    "catalogue.no_partition": lambda lake: lake.cloud.client("glue").delete_partition(
        DatabaseName=DATABASE, TableName="crawled_works", PartitionValues=["2026-11-23"]
    ),
}


@pytest.mark.parametrize("code", DAMAGES)
def test_each_damage_is_found_by_its_code(lake: SoundLake, code: str) -> None:
    DAMAGES[code](lake)

    result = lake.check()

    assert code in result.by_code
    assert not result.ok
    named = [found for found in result.differences if found.code == code]
    assert all(found.object and found.message and found.remedy for found in named)


def test_a_remedy_for_an_environment_of_aws_names_it(lake: SoundLake) -> None:
    for code in (
        "page.not_processed",
        "page.records_lost",
        "build.other_files",
        "catalogue.no_table",
        "catalogue.no_partition",
    ):
        DAMAGES[code](lake)
    ssm = lake.cloud.client("ssm")
    for name, value in (("data-bucket", BUCKET), ("glue-database", DATABASE)):
        ssm.put_parameter(Name=f"/openlake/dev/foundation/{name}", Value=value, Type="String")
    lake.cloud = replace(lake.cloud, env="dev", endpoint=None)

    remedies = [found.remedy for found in lake.check().differences]

    assert {call for remedy in remedies for call in re.findall(r"'(\./lake .*?)'", remedy)} == {
        "./lake etl --env dev",
        "./lake etl --full --env dev",
        "./lake replay dlq --env dev",
        "./lake replay raw --date 2026-11-23 --env dev",
        "./lake replay raw --run RUN --env dev",
        "./lake status --env dev",
    }


def test_a_lake_of_aws_without_a_run_is_not_sent_to_the_local_one() -> None:
    with mock_aws():
        cloud = replace(lake_in_memory(), env="dev", endpoint=None)
        bucket = Bucket(cloud, BUCKET)
        with pytest.raises(CheckError) as caught:
            _chosen_runs(bucket, None, everything=False)

    assert caught.value.hint == "'./lake ingest --env dev' makes one."


def test_objects_that_cannot_be_read_hide_nothing_else(lake: SoundLake) -> None:
    rows, facets = SECOND.processed_key("works"), SECOND.processed_key("subject_facets")
    built = f"{keys.curated_build_prefix('works', BUILD)}part-0.parquet"
    stray = RawKey.of(RUN, "love", 99).processed_key("works")
    lost = FIRST.processed_key("works")
    lake.put(rows, lake.get(rows)[:-20])
    lake.put(facets, b"")
    lake.put(built, parquet(x=[1])[:-4])
    lake.put(stray, b"PAR1")
    lake.put(FIRST.quarantine_key("works"), lines([1])[:-6])
    lake.put(SECOND.quarantine_key("works"), gzip.compress(b"[]\n"))
    lake.put(f"{keys.raw_run_prefix(RUN)}notes.txt", "x")
    lake.delete(lost)

    found = lake.check()

    named = {
        code: {one.object for one in found.differences if one.code == code}
        for code in found.by_code
    }
    unreadable = [rows, facets, built, stray, *(one.quarantine_key("works") for one in PAGES)]
    assert named["object.unreadable"] == {f"s3://{BUCKET}/{key}" for key in unreadable}
    assert named["raw.foreign_key"] == {f"s3://{BUCKET}/{keys.raw_run_prefix(RUN)}notes.txt"}
    assert named["table.missing_file"] == {f"s3://{BUCKET}/{lost}"}


def test_a_ledger_of_an_older_version_is_compared_by_its_counts_alone(lake: SoundLake) -> None:
    lake.change(keys.processed_ledger_key(RUN), state=None)

    assert lake.check().ok


def test_a_run_whose_manifest_is_unreadable_has_ended(lake: SoundLake) -> None:
    lake.put(keys.manifest_key(RUN), "{")

    assert lake.check(RUN, everything=False).remarks == []


def test_a_ledger_that_is_unreadable_is_not_missing(lake: SoundLake) -> None:
    lake.put(keys.processed_ledger_key(RUN), "{")

    assert lake.check(RUN, everything=False).by_code == {"ledger.unreadable": 1}


def test_a_run_that_has_not_ended_is_a_note_and_no_fault(lake: SoundLake) -> None:
    for key in (keys.manifest_key(RUN), keys.processed_ledger_key(RUN)):
        lake.delete(key)

    result = lake.check(RUN, everything=False)

    assert result.ok
    assert result.remarks == [f"run {RUN} has no manifest: its crawl has not ended"]


def test_one_run_is_checked_by_its_id_and_the_newest_by_default(lake: SoundLake) -> None:
    lake.add_dump(rows=[0], rejected=[], records=9)

    assert lake.check(None, everything=False).runs == [RUN]
    assert lake.check(DUMP, everything=False).runs == [DUMP]


def test_an_unknown_run_is_an_error_that_names_the_newest(lake: SoundLake) -> None:
    with pytest.raises(CheckError, match=f"no run 20200101T000000Z. The newest is {RUN}"):
        lake.check("20200101T000000Z", everything=False)
