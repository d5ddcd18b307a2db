"""What the check holds for a stray object, and what not."""

from __future__ import annotations

from typing import Any

import pytest

from lake.operations.check.findings import Findings
from lake.operations.check.storage import Bucket
from lake.testing.lakes import BUCKET
from lake.testing.sound_lake import (
    BUILD,
    DAY,
    DUMP,
    RUN,
    SECOND,
    SoundLake,
    parquet,
)
from schemas import keys
from schemas.keys import RawKey

UNKNOWN = "20261123T050000Z"
STRAYS = [
    f"processed_data/works/ingest_date={DAY}/foreign.parquet",
    f"processed_data/works/ingest_date=2026-11-24/{RUN}-love-000000.parquet",
    f"processed_data/copies/ingest_date={DAY}/{RUN}-love-000000.parquet",
    RawKey.of(UNKNOWN, "love", 0).processed_key("works"),
    RawKey.of(DUMP, "love", 0).processed_key("works"),
    f"{keys.dump_rows_prefix(DUMP)}part-1.csv",
    RawKey.of(UNKNOWN, "love", 0).key,
    f"raw_data/subjects/ingest_date={DAY}/copy.json.gz",
    f"quarantine_data/works/ingest_date={DAY}/foreign.jsonl.gz",
    f"quarantine_data/works/ingest_date={DAY}/{'0' * 32}.jsonl.gz",
    f"quarantine_data/works/ingest_date={DAY}/20261399T050000Z-love-000000.jsonl.gz",
    f"quarantine_data/works/ingest_date={DAY}/{RUN}/part-0.jsonl.gz",
    RawKey.of(UNKNOWN, "love", 0).quarantine_key("works"),
    RawKey.of(DUMP, "love", 0).quarantine_key("works"),
    f"{keys.dump_quarantine_prefix('quarantine_data/works/', DUMP)}notes.txt",
    RawKey.of(UNKNOWN, "love", 0).refused_response_key("0" * 64),
    f"{keys.curated_build_prefix('works', BUILD)}part-9.csv",
    "curated_data/works/part-0.parquet",
    "curated_data/copies/build=b-1/part-0.parquet",
    f"{keys.compacted_prefix('works', DAY, '17')}part-00009.parquet",
    f"compacted_data/copies/ingest_date={DAY}/17/part-00000.parquet",
]


def test_what_belongs_to_nothing_is_found(lake: SoundLake) -> None:
    lake.add_dump(rows=[0, 2, 3], rejected=[1], records=4)
    lake.compact()
    for key in STRAYS:
        lake.put(key, "x")

    found = lake.check()

    strays = [one.object for one in found.differences if one.code == "object.stray"]
    assert sorted(strays) == sorted(f"s3://{BUCKET}/{key}" for key in STRAYS)
    assert lake.check(RUN, everything=False).by_code == {"object.stray": 1}


def test_what_comes_and_goes_in_a_sound_lake_is_no_stray(lake: SoundLake) -> None:
    """GIVEN what services, Spark and people leave in a lake, THEN a check of it is clean."""
    lake.compact()
    loaded = "20261031T235959Z"
    for key in (
        # Ingest kept a body that was no page, process an object with a foreign key.
        SECOND.refused_response_key("0" * 64),
        keys.unrecognised_object_key("quarantine_data/works/", "raw_data/subjects/x.json.gz"),
        # A dump is being loaded, a build and a compacted day are being written, or being removed.
        f"{keys.dump_rows_prefix(loaded)}part-0.parquet",
        f"{keys.dump_rows_prefix(loaded)}_temporary/0/part-1.parquet",
        f"{keys.dump_quarantine_prefix('quarantine_data/works/', loaded)}part-0.txt.gz",
        f"{keys.curated_build_prefix('works', 'b-2')}part-0.parquet",
        f"{keys.curated_build_prefix('works', BUILD)}_temporary/0/part-0.csv",
        f"{keys.compacted_prefix('works', DAY, '16')}part-00000.parquet",
        f"{keys.compacted_prefix('works', '2026-11-22', '18')}part-00000.parquet",
        keys.compacted_pages_key(DAY, "16"),
        # What else lies beside the tables.
        f"{keys.iceberg_table_prefix('works')}metadata/00000.metadata.json",
        keys.CURATED_LEASE_KEY,
        keys.excluded_run_key(RUN),
        keys.CHECKPOINT_KEY,
        keys.dump_key("ol_dump_works_2026-10-31.txt.gz"),
        keys.report_key("index.html"),
        "athena_results/x.csv",
    ):
        lake.put(key, "x")

    result = lake.check()

    assert result.differences == []
    assert any(f"as run {loaded}" in remark for remark in result.remarks)


def test_a_run_that_begins_meanwhile_is_no_stray(
    lake: SoundLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(bucket: Bucket, database: str, runs: Any) -> Findings:
        later = "20261124T060000Z"
        lake.put(keys.plan_key(later), "{}")
        lake.put(RawKey.of(later, "love", 0).key, "x")
        return Findings()

    monkeypatch.setattr("lake.operations.check.command.check_partitions", begin)

    assert lake.check().differences == []


def test_an_emptied_file_of_an_earlier_contract_is_no_stray(lake: SoundLake) -> None:
    lake.put(RawKey.of(RUN, "love", 99).processed_key("works"), parquet(position=[]))

    assert lake.check().ok


def test_markers_of_folders_are_no_difference(lake: SoundLake) -> None:
    """GIVEN every folder with what S3A, EMRFS or a console leaves of one."""
    listed = lake.cloud.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    parts = [item["Key"].split("/")[:-1] for item in listed]
    for folder in {"/".join(part[:depth]) for part in parts for depth in range(1, len(part) + 1)}:
        lake.put(f"{folder}/", b"")
        lake.put(f"{folder}_$folder$", b"")

    assert lake.check().differences == []
