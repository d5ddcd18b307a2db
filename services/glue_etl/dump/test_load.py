"""The bulk route with Spark: positions, quarantine, damaged dumps, and into the tables."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.conftest import Build
from glue_etl.dump.lines import numbered_lines
from glue_etl.dump.load import Loaded, _check, already_loaded, load_dump, source_of
from glue_etl.errors import (
    ConservationError,
    DamagedDumpError,
    EmptyDumpError,
    EtlError,
    RunTakenError,
    StorageDeniedError,
    StorageError,
    TooManyBadLinesError,
    TruncatedDumpError,
)
from glue_etl.ports import Files
from glue_etl.settings import BulkArguments
from glue_etl.testing.duckdb_tables import duckdb_tables
from glue_etl.testing.dumps import BAD_LINES, dump_lines, write_dump
from glue_etl.testing.lake import Lake
from glue_etl.testing.tables import read_tables
from schemas.keys import dump_quarantine_prefix, dump_rows_prefix, plan_key, processed_ledger_key
from schemas.ledger.run import DumpLedger
from schemas.rows.quarantine import QuarantineRecord

RUN = "20200531T000000Z"


def arguments_for(lake: Lake, dump: Path) -> BulkArguments:
    values = {"dump": f"file://{dump}", "run_id": RUN, "processed": lake.processed}
    values |= {"quarantine": f"file://{lake.root}/quarantine_data/works/", "runs": lake.runs}
    argv = [
        part
        for name, value in (values | {"shuffle_partitions": 2}).items()
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]
    return BulkArguments.parse(argv)


def load(lake: Lake, spark: Any, dump: Path, files: Files | None = None) -> Loaded:
    arguments = arguments_for(lake, dump)
    source = source_of(arguments, LocalFiles())
    assert source is not None
    return load_dump(arguments, files or LocalFiles(), spark, source)


def quarantined(lake: Lake) -> list[QuarantineRecord]:
    return [
        QuarantineRecord.model_validate_json(line)
        for path in sorted((lake.root / "quarantine_data").rglob("*.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


def test_every_line_is_in_the_rows_or_in_quarantine_once(lake: Lake, spark: Any) -> None:
    dump = lake.root / "ol_dump_works_2020-05-31.txt.gz"
    lines = list(dump_lines(400, bad_share=0.04))
    write_dump(dump, iter(lines))

    loaded = load(lake, spark, dump)

    bad = [at for at, line in enumerate(lines) if line in BAD_LINES]
    assert (loaded.lines, loaded.rows, loaded.quarantined) == (400, 400 - len(bad), len(bad))
    assert sorted(record.position or 0 for record in quarantined(lake)) == bad
    rows = pq.read_table(lake.root / "processed_data/dump_works").to_pylist()
    assert sorted(row["position"] for row in rows) == sorted(set(range(400)) - set(bad))
    ledger = DumpLedger.model_validate_json((lake.root / processed_ledger_key(RUN)).read_bytes())
    assert ledger.unreadable_works == ["/works/OL1W"], "of a work's line, and not of a redirect's"
    arguments = arguments_for(lake, dump)
    again = already_loaded(arguments, LocalFiles(), source_of(arguments, LocalFiles()))
    assert again == Loaded("unchanged", RUN, 400, 400 - len(bad), len(bad))

    dump.write_bytes(dump.read_bytes() + b" ")
    with pytest.raises(RunTakenError, match="another dump .ol_dump_works_2020-05-31.txt.gz"):
        already_loaded(arguments, LocalFiles(), source_of(arguments, LocalFiles()))


def test_the_run_of_a_crawl_is_not_taken_for_a_dump_s(lake: Lake) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(3))
    lake.put_run(RUN, {"love": [{"work_key": "/works/OL1W"}]})
    arguments = arguments_for(lake, dump)

    with pytest.raises(RunTakenError, match="is a crawl"):
        already_loaded(arguments, LocalFiles(), source_of(arguments, LocalFiles()))


def test_the_run_of_a_crawl_that_goes_on_is_not_taken_either(lake: Lake) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(3))
    plan = lake.root / plan_key(RUN)
    plan.parent.mkdir(parents=True)
    plan.write_bytes(b"{}")
    arguments = arguments_for(lake, dump)

    with pytest.raises(RunTakenError, match="is a crawl"):
        already_loaded(arguments, LocalFiles(), source_of(arguments, LocalFiles()))


def test_a_ledger_that_cannot_be_read_is_not_written_over(lake: Lake) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(3))
    ledger = lake.root / processed_ledger_key(RUN)
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b'{"run_id": ')
    arguments = arguments_for(lake, dump)

    with pytest.raises(RunTakenError, match=f"remove file://{ledger} to load it anew"):
        already_loaded(arguments, LocalFiles(), source_of(arguments, LocalFiles()))


class Meanwhile(LocalFiles):
    """Another job loads the run when this one has found that nobody has."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self.happens = happens

    def delete(self, uri: str) -> None:
        super().delete(uri)
        happens, self.happens = self.happens, lambda: None
        happens()

    def __reduce__(self) -> tuple[type[LocalFiles], tuple[()]]:
        # Workers write as ever.
        return LocalFiles, ()


def test_a_job_that_fails_leaves_what_another_has_loaded(lake: Lake, spark: Any) -> None:
    """GIVEN a run that another job loads meanwhile THEN a failing one does not delete its rows."""
    dump, bad = lake.root / "dump.txt", lake.root / "bad.txt"
    write_dump(dump, dump_lines(20))
    write_dump(bad, iter(BAD_LINES * 3))

    with pytest.raises(TooManyBadLinesError):
        load(lake, spark, bad, Meanwhile(lambda: load(lake, spark, dump)))

    assert already_loaded(arguments_for(lake, dump), LocalFiles(), None)
    assert pq.read_table(lake.root / dump_rows_prefix(RUN)).num_rows == 20


def test_a_job_that_comes_late_leaves_what_another_has_loaded(lake: Lake, spark: Any) -> None:
    dump, other = lake.root / "dump.txt", lake.root / "other.txt"
    write_dump(dump, dump_lines(20))
    write_dump(other, dump_lines(10))
    load(lake, spark, dump)

    with pytest.raises(RunTakenError, match="another dump"):
        load(lake, spark, other)

    assert load(lake, spark, dump).status == "unchanged"
    assert pq.read_table(lake.root / dump_rows_prefix(RUN)).num_rows == 20


def test_two_jobs_at_once_do_not_both_succeed(lake: Lake, spark: Any) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(20))

    with pytest.raises(RunTakenError, match="by another job meanwhile"):
        load(lake, spark, dump, Meanwhile(lambda: load(lake, spark, dump)))


def test_a_dump_that_is_replaced_while_it_is_read_is_not_loaded(lake: Lake, spark: Any) -> None:
    """GIVEN another file in its place THEN no ledger says the first one's size and digest of it."""
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(10))
    replaced = Meanwhile(lambda: write_dump(dump, dump_lines(20)))

    with pytest.raises(DamagedDumpError, match="was replaced while it was read"):
        load(lake, spark, dump, replaced)

    assert [path for path in lake.root.rglob("*") if path.is_file()] == [dump]


def test_positions_hold_over_partitions_too(lake: Lake, spark: Any) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, (b"%d" % number for number in range(5000)))
    spark.conf.set("spark.sql.files.maxPartitionBytes", "4096")
    try:
        lines = numbered_lines(spark, f"file://{dump}").collect()
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")

    assert all(int(row["line"]) == row["position"] for row in lines)
    assert len(lines) == 5000


def damage(kind: str, whole: bytes) -> bytes:
    return {
        "empty": gzip.compress(b""),
        "nothing": b"",
        "truncated": whole[: len(whole) // 2],
        "no end": whole[:-6],
        "not gzip": b"<html>moved</html>",
        "flipped bit": whole[:5000] + bytes([whole[5000] ^ 16]) + whole[5001:],
        "bad size": whole[:-4] + b"\x07\0\0\0",
        "bad second part": whole + b"\x1f\x8b\x07" + whole[3:],
        "bad checksum": whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("empty", EmptyDumpError),
        ("nothing", (EmptyDumpError, TruncatedDumpError)),
        ("truncated", TruncatedDumpError),
        ("no end", TruncatedDumpError),
        ("not gzip", DamagedDumpError),
        ("flipped bit", DamagedDumpError),
        ("bad checksum", DamagedDumpError),
        ("bad size", DamagedDumpError),
        ("bad second part", DamagedDumpError),
    ],
)
def test_a_damaged_dump_writes_nothing(kind: str, error: Any, lake: Lake, spark: Any) -> None:
    dump = lake.root / "dump.txt.gz"
    write_dump(dump, dump_lines(500))
    dump.write_bytes(damage(kind, dump.read_bytes()))

    with pytest.raises(error):
        load(lake, spark, dump)

    assert [path for path in lake.root.rglob("*") if path.is_file()] == [dump]


class Deadly(LocalFiles):
    """Whoever writes dies."""

    def write(self, uri: str, body: bytes) -> None:
        os._exit(137)


def test_a_worker_that_is_killed_says_nothing_of_the_dump(lake: Lake, spark: Any) -> None:
    """GIVEN a worker that dies, as for want of memory THEN the dump is not called truncated."""
    dump = lake.root / "dump.txt.gz"
    write_dump(dump, dump_lines(20))

    with pytest.raises(Exception, match="Python worker exited unexpectedly") as caught:
        load(lake, spark, dump, Deadly())

    assert not isinstance(caught.value, EtlError)


@pytest.mark.parametrize("parsed", [2, 4])
def test_a_line_that_vanishes_or_doubles_is_a_defect(lake: Lake, parsed: int) -> None:
    counted = Row(lines=parsed, quarantined=0, expected=3)

    with pytest.raises(ConservationError, match=f"{parsed} lines were parsed of 3") as caught:
        _check(counted, arguments_for(lake, lake.root / "dump.txt"))

    assert caught.value.code == "records.not_conserved"


class Unwritable(LocalFiles):
    """Whoever writes is told why not."""

    def __init__(self, error: type[EtlError], reason: str) -> None:
        super().__init__()
        self.error, self.reason = error, reason

    def write(self, uri: str, body: bytes) -> None:
        raise self.error(f"{uri}: {self.reason}")


@pytest.mark.parametrize(
    ("error", "reason"),
    [(StorageError, "no space left on device"), (StorageDeniedError, "S3 denied PutObject")],
)
def test_a_worker_that_cannot_write_says_so(
    lake: Lake, spark: Any, error: type[EtlError], reason: str
) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(20))

    with pytest.raises(error, match=rf"^file://.*\.parquet: {reason}$"):
        load(lake, spark, dump, Unwritable(error, reason))


def test_what_an_attempt_that_was_killed_left_is_replaced(lake: Lake, spark: Any) -> None:
    """GIVEN files of more parts than there are now THEN only those of now are left."""
    dump = lake.root / "dump.txt"
    write_dump(dump, dump_lines(20))
    left = lake.root / dump_rows_prefix(RUN) / "part-00099.parquet"
    rejected = lake.root / dump_quarantine_prefix("quarantine_data/works/", RUN) / "x.txt.gz"
    for file in (left, rejected):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"half a file")

    load(lake, spark, dump)

    assert pq.read_table(left.parent).num_rows == 20
    assert quarantined(lake) == []


def test_what_is_no_dump_of_works_is_refused(lake: Lake, spark: Any) -> None:
    dump = lake.root / "dump.txt"
    write_dump(dump, iter(BAD_LINES * 3))

    with pytest.raises(TooManyBadLinesError, match="30 of 30"):
        load(lake, spark, dump)

    assert [path for path in lake.root.rglob("*") if path.is_file()] == [dump]


def documented() -> dict[str, int]:
    document = Path(__file__).parents[3] / "docs" / "etl.md"
    section = document.read_text("utf-8").partition("<!-- captured lines -->")[2]
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) \|", section.partition("\n\n")[0], re.MULTILINE)
    return {what: int(count) for what, count in rows}


def effects(line: bytes, row: dict[str, Any]) -> Iterator[str]:
    work = json.loads(line.split(b"\t")[4])
    if any(isinstance(author["type"], str) for author in work["authors"]):
        yield "works whose authors' role is a text and not an object"
    if work["title"] != row["title"]:
        yield "titles cleaned"
    for name in ("subjects", "cover_id", "first_publish_year"):
        if row[name]:
            yield f"works with {name}"


def test_real_lines_join_the_tables_and_fill_up_from_older_listings(
    samples: Path, lake: Lake, spark: Any, etl: Build
) -> None:
    dump = lake.root / "works_head_1000_2020.txt"
    shutil.copy(samples / "dump" / dump.name, dump)
    crawled = {"work_key": "/works/OL10000106W", "title": "Listed", "edition_count": 3}
    lake.put_run("20200401T000000Z", {"love": [crawled]})

    loaded = load(lake, spark, dump)
    result = etl(lake)

    tables = read_tables(lake.root / "curated_data")
    works = {row["work_key"]: row for row in tables["works"]}
    both = works["/works/OL10000106W"]
    assert (both["origin"], both["edition_count"]) == ("dump", 3)
    assert both["title"] != "Listed"
    assert works["/works/OL10000223W"]["edition_count"] is None
    assert works["/works/OL10000223W"]["origin"] == "dump"
    bounds = {"min_works": 1, "pair_subjects": 1000, "pairs": 10**5, "tracked": 200, "places": 100}
    assert tables == duckdb_tables(lake.root / "processed_data", bounds)

    counts = Counter(lines=loaded.lines, rows=loaded.rows, quarantined=loaded.quarantined)
    rows = pq.read_table(lake.root / "processed_data/dump_works").to_pylist()
    lines = dump.read_bytes().splitlines()
    for row in rows:
        counts.update(effects(lines[row["position"]], row))
    for name in ("works", "authors", "work_authors", "subjects", "work_subjects"):
        counts[f"then in the table `{name}`"] = result["tables"][name]["rows"]
    assert dict(counts) == documented()
