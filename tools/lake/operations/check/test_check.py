"""What the check finds: nothing in a sound lake, and each kind of damage by its own code."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from lake.aws import Cloud
from lake.errors import CheckError
from lake.operations.check.command import CheckResult, check_lake
from lake.operations.check.findings import Findings
from lake.operations.check.storage import Bucket, json_lines
from lake.testing.lakes import BUCKET, DATABASE, lake_in_memory
from schemas import keys
from schemas.curated_tables import CURATED
from schemas.fingerprints import fingerprint
from schemas.keys import RawKey
from schemas.ledger.compacted import (
    CompactedDay,
    CompactedPage,
    CompactedPages,
    CompactedTable,
)
from schemas.ledger.curated_build import (
    BuildRecord,
    CuratedLedger,
    CurrentBuild,
    PublishedBuild,
    TableOutcome,
)
from schemas.ledger.run import (
    PageEntry,
    PageReceipt,
    ProcessedLedger,
    RunManifest,
    SubjectCounts,
    SubjectOutcome,
    TableCounts,
)
from schemas.tables import TABLES

RUN = "20261123T060000Z"
DUMP = "20260930T235959Z"
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
PAGES = FIRST, SECOND = RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 3)
BUILD = "b-1"
DAY = "2026-11-23"


class SoundLake:
    """A lake of one run of two pages, in the curated tables: five records, one of them rejected."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        pages = [
            self.add_page(FIRST, rows=[0, 2], rejected=[1]),
            self.add_page(SECOND, rows=[0, 1], rejected=[]),
        ]
        self.add_ledgers(pages)
        self.add_partitions("2026-11-23")
        self.add_build()

    def put(self, key: str, body: bytes | str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        body: bytes = self.cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def delete(self, key: str) -> None:
        self.cloud.client("s3").delete_object(Bucket=BUCKET, Key=key)

    def change(self, key: str, **fields: Any) -> None:
        """Replace fields of a ledger."""
        self.put(key, json.dumps(json.loads(self.get(key)) | fields))

    def check(self, run_id: str | None = None, *, everything: bool = True) -> CheckResult:
        return check_lake(self.cloud, run_id, everything=everything, say=lambda _detail: None)

    def add_page(self, page: RawKey, rows: list[int], rejected: list[int]) -> PageEntry:
        records = len(rows) + len(rejected)
        wire = gzip.compress(json.dumps({"work_count": 5, "works": [{}] * records}).encode())
        self.put(page.key, wire)
        self.put(page.processed_key("works"), parquet(position=rows))
        self.put(page.processed_key("subject_facets"), parquet(name=["a", "b"]))
        if rejected:
            self.put(page.quarantine_key("works"), lines(rejected))
        receipt = PageReceipt(
            run_id=RUN,
            raw_key=page.key,
            raw_sha256=hashlib.sha256(wire).hexdigest(),
            records=records,
            rows=len(rows),
            quarantined=len(rejected),
            page_status="processed",
            processed_key=page.processed_key("works"),
            quarantine_key=page.quarantine_key("works") if rejected else None,
            contract_version="1",
            tables={
                "subject_facets": TableCounts(
                    processed_key=page.processed_key("subject_facets"), records=2, rows=2
                )
            },
        )
        self.put(page.receipt_key, receipt.model_dump_json())
        return PageEntry(
            key=page.key,
            offset=page.offset,
            works=records,
            bytes=len(wire),
            sha256=receipt.raw_sha256,
        )

    def add_ledgers(self, pages: list[PageEntry]) -> None:
        outcome = SubjectOutcome(subject="love", kind="subject", status="complete", pages=pages)
        manifest = RunManifest(
            run_id=RUN,
            contract_version="1",
            started_at=NOW,
            finished_at=NOW,
            status="complete",
            subjects=[outcome],
        )
        self.put(keys.manifest_key(RUN), manifest.model_dump_json())
        counts = SubjectCounts(pages=2, records=5, rows=4, quarantined=1)
        ledger = ProcessedLedger(
            run_id=RUN,
            contract_version="1",
            manifest_status="complete",
            subjects={"love": counts},
            state=self.state_of_receipts(),
            **counts.model_dump(),
        )
        self.put(keys.processed_ledger_key(RUN), ledger.model_dump_json())

    def state_of_receipts(self) -> str:
        prefix = keys.receipts_prefix(RUN)
        listed = self.cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        return fingerprint(
            (keys.below(prefix, one["Key"]), one["ETag"].strip('"')) for one in listed
        )

    def add_partitions(self, day: str) -> None:
        glue = self.cloud.client("glue")
        for table in TABLES.values():
            place = f"s3://{BUCKET}/{table.location}"
            glue.create_table(
                DatabaseName=DATABASE,
                TableInput={
                    "Name": table.catalogue_name,
                    "PartitionKeys": [{"Name": "ingest_date", "Type": "string"}],
                    "StorageDescriptor": {"Location": place, "Columns": []},
                },
            )
            glue.create_partition(
                DatabaseName=DATABASE,
                TableName=table.catalogue_name,
                PartitionInput={
                    "Values": [day],
                    "StorageDescriptor": {"Location": f"{place}ingest_date={day}/"},
                },
            )

    def add_build(self) -> None:
        for name, table in CURATED.items():
            prefix = keys.curated_build_prefix(name, BUILD)
            self.put(f"{prefix}part-0.parquet", parquet(x=[1, 2]))
            self.cloud.client("glue").create_table(
                DatabaseName=DATABASE,
                TableInput=table.table_input(f"s3://{BUCKET}/{prefix}"),
            )
        outcome = TableOutcome(rows=2, files=1, bytes=1)
        record = BuildRecord(
            build=BUILD,
            previous=None,
            mode="full",
            runs={RUN: "f"},
            new_runs=[RUN],
            tables=dict.fromkeys(CURATED, outcome),
            rules=[],
            contract_version="1",
            service_version="0",
            created_at=NOW,
        )
        published = PublishedBuild(build=BUILD, published_at=NOW)
        entry = CuratedLedger(
            run_id=RUN, build=BUILD, published_at=NOW, contract_version="1", tables={}
        )
        self.put(keys.build_record_key(BUILD), record.model_dump_json())
        self.put(keys.CURRENT_BUILD_KEY, CurrentBuild(builds=[published]).model_dump_json())
        self.put(keys.curated_ledger_key(RUN), entry.model_dump_json())

    def compact(self, *, switched: bool = True) -> None:
        """Bring the rows of the run into one file a table, and remove the files of its pages."""
        tables, pages = {}, {}
        for name, column in (("works", "position"), ("subject_facets", "name")):
            rows: dict[str, list[Any]] = {"run_id": [], "raw_key": [], column: []}
            for page in (FIRST, SECOND):
                key = page.processed_key(name)
                body = self.get(key)
                values = pq.read_table(io.BytesIO(body))[column].to_pylist()
                rows["run_id"] += [RUN] * len(values)
                rows["raw_key"] += [page.key] * len(values)
                rows[column] += values
                etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
                path = keys.below("processed_data/", key)
                pages[path] = CompactedPage(etag=etag, rows=len(values))
                self.delete(key)
            body = parquet(**rows)
            self.put(f"{keys.compacted_prefix(name, DAY, '17')}part-00000.parquet", body)
            files = {"part-00000.parquet": len(body)}
            tables[name] = CompactedTable(rows=len(rows[column]), files=files)
            if switched:
                self.switch(name, f"s3://{BUCKET}/{keys.compacted_prefix(name, DAY, '17')}")
        self.put(keys.compacted_pages_key(DAY, "17"), CompactedPages(pages).to_bytes())
        record = CompactedDay(
            day=DAY,
            generation="17",
            tables=tables,
            runs={RUN: "f"},
            compacted_at=NOW,
            switched_at=NOW if switched else None,
            token=17,
        )
        self.put(keys.compacted_day_key(DAY), record.model_dump_json())

    def switch(self, name: str, location: str) -> None:
        """Send readers of the day elsewhere."""
        entry = {"Values": [DAY], "StorageDescriptor": {"Location": location}}
        self.cloud.client("glue").update_partition(
            DatabaseName=DATABASE,
            TableName=TABLES[name].catalogue_name,
            PartitionValueList=[DAY],
            PartitionInput=entry,
        )

    def add_dump(self, rows: list[int], rejected: list[int], records: int) -> None:
        self.put(f"{keys.dump_rows_prefix(DUMP)}part-0.parquet", parquet(position=rows))
        bad = keys.dump_quarantine_prefix("quarantine_data/works/", DUMP)
        self.put(f"{bad}part-0.txt.gz", lines(rejected))
        ledger = ProcessedLedger(
            run_id=DUMP,
            contract_version="1",
            manifest_status="complete",
            pages=1,
            records=records,
            rows=len(rows),
            quarantined=len(rejected),
            subjects={},
        )
        self.put(keys.processed_ledger_key(DUMP), ledger.model_dump_json())
        self.put(keys.curated_ledger_key(DUMP), self.get(keys.curated_ledger_key(RUN)))
        self.change(keys.build_record_key(BUILD), runs={RUN: "f", DUMP: "f"})


def parquet(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    types = {"position": pa.int32()}
    arrays = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), sink)
    return sink.getvalue()


def lines(positions: Sequence[int | None], table: str = "works") -> bytes:
    records = ({"position": position, "table_name": table} for position in positions)
    return gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode())


@pytest.fixture
def lake() -> Iterator[SoundLake]:
    with mock_aws():
        yield SoundLake(lake_in_memory())


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


@pytest.mark.parametrize("position", [None, "1", 1.5])
def test_rows_and_rejected_records_without_a_position_are_differences(
    lake: SoundLake, position: Any
) -> None:
    lake.put(FIRST.processed_key("works"), parquet(place=[0, 2]))
    record = {"position": position, "table_name": "works"}
    lake.put(FIRST.quarantine_key("works"), gzip.compress(json.dumps(record).encode()))

    found = lake.check().by_code

    assert found["object.unreadable"] == found["page.records_foreign"] == 1


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_a_rejected_record_is_one_line_whatever_breaks_lines_elsewhere(character: str) -> None:
    records = [{"position": 1, "payload": f"a{character}b"}, {"position": 2}]
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)

    assert json_lines(gzip.compress(text.encode())) == records


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
    _register(lake, "2026-09-30")
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


def test_a_lost_record_of_the_published_build_is_found(lake: SoundLake) -> None:
    lake.delete(keys.CURRENT_BUILD_KEY)

    assert lake.check().by_code == {"build.no_current": 1}

    lake.delete(keys.curated_ledger_key(RUN))
    assert lake.check().by_code == {"build.no_current": 1}


def test_a_first_publication_that_goes_on_is_no_difference(lake: SoundLake) -> None:
    for key in (keys.CURRENT_BUILD_KEY, keys.curated_ledger_key(RUN)):
        lake.delete(key)
    lake.cloud.client("glue").delete_table(DatabaseName=DATABASE, Name="works")

    result = lake.check()

    assert result.ok
    assert "builds are written and none is published yet" in result.remarks


def test_a_lost_curated_ledger_is_found(lake: SoundLake) -> None:
    lake.delete(keys.curated_ledger_key(RUN))

    found = lake.check().differences

    assert [(one.code, one.object) for one in found] == [
        ("ledger.missing", f"s3://{BUCKET}/{keys.curated_ledger_key(RUN)}")
    ]


def test_each_page_is_what_the_manifest_says_of_it(lake: SoundLake) -> None:
    """GIVEN pages that were replaced and processed, and one listed twice, THEN each is named."""
    first = lake.add_page(FIRST, rows=[0, 2], rejected=[])
    second = lake.get(keys.manifest_key(RUN))
    lake.put(FIRST.processed_key("works"), parquet(position=[0, 1]))
    lake.delete(FIRST.quarantine_key("works"))
    subjects = json.loads(second)["subjects"]
    subjects[0]["pages"].append(subjects[0]["pages"][1])
    lake.change(keys.manifest_key(RUN), subjects=subjects)
    lake.change(
        keys.processed_ledger_key(RUN), records=4, quarantined=0, state=lake.state_of_receipts()
    )

    found = lake.check().differences

    assert {one.code for one in found} == {"page.not_as_crawled"}
    assert [(one.object.removeprefix(f"s3://{BUCKET}/"), one.message) for one in found] == [
        (FIRST.key, "its receipt has 2 records, the manifest 3 works"),
        (
            FIRST.key,
            f"its receipt is for sha256 {first.sha256[:12]}, the manifest has"
            f" {subjects[0]['pages'][0]['sha256'][:12]}",
        ),
        (SECOND.key, "the manifest lists it 2 times"),
    ]


def test_a_page_that_is_too_large_to_be_read_has_no_digest(lake: SoundLake) -> None:
    lake.change(SECOND.receipt_key, raw_sha256="")
    lake.change(keys.processed_ledger_key(RUN), state=lake.state_of_receipts())

    assert lake.check().differences == []


def test_a_page_quarantined_whole_is_one_record(lake: SoundLake) -> None:
    """GIVEN a page that became HTML, WHEN it is quarantined whole, THEN nothing is lost of it."""
    wire = gzip.compress(b"<html>")
    lake.put(SECOND.key, wire)
    lake.put(SECOND.quarantine_key("works"), lines([None]))
    for table in ("works", "subject_facets"):
        lake.delete(SECOND.processed_key(table))
    lake.change(
        SECOND.receipt_key,
        raw_sha256=hashlib.sha256(wire).hexdigest(),
        page_status="quarantined",
        reason_code="page.html",
        records=1,
        rows=0,
        quarantined=1,
        processed_key=None,
        quarantine_key=SECOND.quarantine_key("works"),
        tables={},
    )
    lake.change(
        keys.processed_ledger_key(RUN),
        records=4,
        rows=2,
        quarantined=2,
        state=lake.state_of_receipts(),
    )

    found = lake.check().differences
    assert [(one.code, one.object) for one in found] == [
        ("page.not_as_crawled", f"s3://{BUCKET}/{SECOND.key}")
    ] * 2
    assert found[0].message == "it is quarantined whole (page.html), the manifest has 2 works"

    lake.put(SECOND.quarantine_key("works"), lines([]))
    assert lake.check().by_code == {"page.not_as_crawled": 2, "quarantine.page_missing": 1}


def test_a_ledger_of_an_older_version_is_compared_by_its_counts_alone(lake: SoundLake) -> None:
    lake.change(keys.processed_ledger_key(RUN), state=None)

    assert lake.check().ok


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


def test_a_sound_dump_has_no_difference(lake: SoundLake) -> None:
    lake.add_dump(rows=[0, 2, 3], rejected=[1], records=4)
    _register(lake, "2026-09-30")

    result = lake.check()

    assert result.differences == []
    assert result.runs == [DUMP, RUN]
    assert result.counts.records == 9


def test_a_damaged_dump_is_found(lake: SoundLake) -> None:
    lake.add_dump(rows=[0, 2, 3], rejected=[1], records=4)
    _register(lake, "2026-09-30")
    rows = f"{keys.dump_rows_prefix(DUMP)}part-0.parquet"
    rejected = f"{keys.dump_quarantine_prefix('quarantine_data/works/', DUMP)}part-0.txt.gz"
    lake.put(rows, lake.get(rows)[:-20])
    lake.put(rejected, lines([None]))

    found = lake.check()

    assert found.by_code["object.unreadable"] == 2
    assert found.by_code["dump.lines_lost"] == 1

    lake.put(keys.processed_ledger_key(DUMP), "{}")
    assert lake.check().by_code == {"ledger.unreadable": 1}

    lake.delete(keys.processed_ledger_key(DUMP))
    assert lake.check().by_code == {"ledger.missing": 1}


@pytest.mark.parametrize(
    ("rows", "rejected", "code"),
    [
        ([0, 2], [1], "dump.lines_lost"),
        ([0, 2, 3], [1, 3], "dump.lines_doubled"),
        ([0, 2, 3, 9], [1], "dump.lines_foreign"),
    ],
)
def test_each_damage_of_a_dump_is_found(
    lake: SoundLake, rows: list[int], rejected: list[int], code: str
) -> None:
    lake.add_dump(rows, rejected, records=4)
    _register(lake, "2026-09-30")

    assert lake.check().by_code == {code: 1}


def _register(lake: SoundLake, day: str) -> None:
    location = f"s3://{BUCKET}/{TABLES['quarantine'].location}ingest_date={day}/"
    lake.cloud.client("glue").create_partition(
        DatabaseName=DATABASE,
        TableName="quarantine",
        PartitionInput={"Values": [day], "StorageDescriptor": {"Location": location}},
    )


def test_one_run_is_checked_by_its_id_and_the_newest_by_default(lake: SoundLake) -> None:
    lake.add_dump(rows=[0], rejected=[], records=9)

    assert lake.check(None, everything=False).runs == [RUN]
    assert lake.check(DUMP, everything=False).runs == [DUMP]


def test_an_unknown_run_is_an_error_that_names_the_newest(lake: SoundLake) -> None:
    with pytest.raises(CheckError, match=f"no run 20200101T000000Z. The newest is {RUN}"):
        lake.check("20200101T000000Z", everything=False)


def test_a_fault_in_every_object_is_counted_and_the_first_are_kept() -> None:
    whole, part = Findings(kept=3), Findings(kept=3)
    for number in range(5):
        part.differ("page.other_bytes", f"s3://b/{number}", "changed", "replay")

    whole.merge(part)
    whole.merge(part)

    assert whole.total == 10
    assert whole.by_code == {"page.other_bytes": 10}
    assert [found.object for found in whole.differences] == ["s3://b/0", "s3://b/1", "s3://b/2"]


def test_a_compacted_day_has_no_difference(lake: SoundLake) -> None:
    lake.compact()

    result = lake.check()

    assert result.differences == []
    assert (result.counts.rows, result.counts.quarantined) == (4, 1)
    assert not [remark for remark in result.remarks if "compact" in remark]


def test_a_day_that_is_on_record_and_not_switched_yet_has_no_difference(lake: SoundLake) -> None:
    lake.compact(switched=False)

    assert lake.check().differences == []


def test_a_page_that_was_replayed_after_its_day_was_compacted_is_told(lake: SoundLake) -> None:
    lake.compact()
    lake.put(FIRST.processed_key("works"), parquet(position=[2, 0]))

    result = lake.check()

    assert result.differences == []
    assert any("1 files of run" in remark for remark in result.remarks)


COMPACTED_WORKS = f"{keys.compacted_prefix('works', DAY, '17')}part-00000.parquet"
COMPACTED_DAMAGES: dict[str, Damage] = {
    "compacted.missing_file": lambda lake: lake.delete(COMPACTED_WORKS),
    "object.unreadable": lambda lake: lake.put(COMPACTED_WORKS, b"PAR1"),
    "ledger.unreadable": lambda lake: lake.put(keys.compacted_day_key(DAY), "{}"),
    "compacted.other_count": lambda lake: lake.put(
        COMPACTED_WORKS,
        parquet(run_id=[RUN] * 2, raw_key=[FIRST.key, SECOND.key], position=[0, 0]),
    ),
    "page.records_doubled": lambda lake: lake.put(
        COMPACTED_WORKS,
        parquet(run_id=[RUN] * 4, raw_key=[FIRST.key, SECOND.key] * 2, position=[0, 0, 0, 1]),
    ),
    "catalogue.other_location": lambda lake: lake.switch(
        "works", f"s3://{BUCKET}/{keys.day_prefix(TABLES['works'].location, DAY)}"
    ),
    "object.stray": lambda lake: lake.change(FIRST.receipt_key, processed_key=None),
}


@pytest.mark.parametrize("damage", ["missing", "no gzip", "of another file"])
def test_a_list_of_compacted_pages_that_is_lost_is_found(lake: SoundLake, damage: str) -> None:
    lake.compact()
    key = keys.compacted_pages_key(DAY, "17")
    code, body = {
        "missing": ("compacted.missing_file", b""),
        "no gzip": ("object.unreadable", b"{}"),
        "of another file": ("object.unreadable", gzip.compress(b"[]")),
    }[damage]
    if body:
        lake.put(key, body)
    else:
        lake.delete(key)

    found = lake.check().differences

    assert [one.object for one in found if one.code == code] == [f"s3://{BUCKET}/{key}"]


@pytest.mark.parametrize("code", COMPACTED_DAMAGES)
def test_damage_to_a_compacted_day_is_found(lake: SoundLake, code: str) -> None:
    lake.compact()
    COMPACTED_DAMAGES[code](lake)

    result = lake.check()

    assert not result.ok
    assert code in result.by_code
