"""A lake in memory with one sound run, for tests that damage it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.aws import Cloud
from lake.operations.check.command import CheckResult, check_lake
from lake.testing.lakes import BUCKET, DATABASE
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
DUMP_DAY = "2026-09-30"
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
        """Add a dump's run: the positions of its rows and rejected lines, and how many it had."""
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
        location = f"s3://{BUCKET}/{TABLES['quarantine'].location}ingest_date={DUMP_DAY}/"
        self.cloud.client("glue").create_partition(
            DatabaseName=DATABASE,
            TableName="quarantine",
            PartitionInput={"Values": [DUMP_DAY], "StorageDescriptor": {"Location": location}},
        )


def parquet(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    types = {"position": pa.int32()}
    arrays = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), sink)
    return sink.getvalue()


def lines(positions: Sequence[int | None], table: str = "works") -> bytes:
    records = ({"position": position, "table_name": table} for position in positions)
    return gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode())
