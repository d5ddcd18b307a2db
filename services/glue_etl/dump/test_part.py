"""A part of a dump, without Spark: files of rows and of rejected lines, and what is counted."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.dump import part
from glue_etl.dump.batch import parse_batch
from glue_etl.dump.part import Part, PartWriter
from glue_etl.dump.record import Source
from glue_etl.testing.dumps import dump_lines
from schemas.derive.arrow import arrow_schema
from schemas.tables import WORKS

SOURCE = Source("20200531T000000Z", "dumps/d.txt")
BAD = b"/type/work\t/works/OL7W\t1\t2020-01-01T00:00:00\t[]"


@pytest.fixture
def writer(tmp_path: Path) -> PartWriter:
    rows, quarantine = (f"file://{tmp_path}/{name}/" for name in ("rows", "quarantine"))
    return PartWriter(SOURCE, rows, quarantine, LocalFiles())


def in_batches(lines: list[bytes], size: int, start: int = 0) -> Iterator[pa.RecordBatch]:
    for at in range(0, len(lines), size):
        some = lines[at : at + size]
        positions = [*range(start + at, start + at + len(some))]
        yield pa.RecordBatch.from_pydict({"line": some, "position": pa.array(positions)})


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("group", [1, 10, 1000])
def test_rows_are_those_of_the_lines_whatever_a_group_holds(
    writer: PartWriter, tmp_path: Path, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "_GROUP", group)
    lines = [*dump_lines(50)]

    told = writer.write(3, in_batches(lines, size=7, start=100))

    assert told == Part(lines=50, quarantined=0, end=150)
    assert [*written(tmp_path)] == ["part-00003.parquet"]
    rows = pq.read_table(tmp_path / "rows/part-00003.parquet")
    expected = parse_batch(zip(lines, range(100, 150), strict=True), SOURCE).rows
    assert rows == pa.Table.from_batches([expected])
    assert rows.schema == arrow_schema(WORKS.columns)


def test_rejected_lines_are_told_and_kept_apart(writer: PartWriter, tmp_path: Path) -> None:
    (good,) = dump_lines(1)

    told = writer.write(0, in_batches([BAD, good, b"no line", BAD], size=3))

    assert told == Part(lines=4, quarantined=3, end=4, unreadable=["/works/OL7W"] * 2)
    rejected = gzip.decompress((tmp_path / "quarantine/part-00000.txt.gz").read_bytes())
    records = [json.loads(line) for line in rejected.splitlines()]
    assert [record["position"] for record in records] == [0, 2, 3]
    assert pq.read_table(tmp_path / "rows")["position"].to_pylist() == [1]


@pytest.mark.parametrize(
    ("lines", "files"), [([], []), ([BAD], ["part-00000.txt.gz"])], ids=["none", "rejected only"]
)
def test_no_file_is_written_of_nothing(
    lines: list[bytes], files: list[str], writer: PartWriter, tmp_path: Path
) -> None:
    writer.write(0, in_batches(lines, size=5))

    assert [*written(tmp_path)] == files


def test_a_part_that_is_written_again_replaces_itself(writer: PartWriter, tmp_path: Path) -> None:
    """GIVEN a worker that was lost after it wrote THEN who takes its lines writes the same."""

    def batches() -> Iterable[pa.RecordBatch]:
        return in_batches([BAD, *dump_lines(9)], size=4)

    first = writer.write(1, batches()), written(tmp_path)

    assert (writer.write(1, batches()), written(tmp_path)) == first
