"""Loads a dump with Spark: every line becomes a row or a quarantine record, exactly once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa
from pydantic import ValidationError
from pyspark import TaskContext
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.storagelevel import StorageLevel

from glue_etl.dump.lines import dealt_lines
from glue_etl.dump.part import PartWriter
from glue_etl.dump.record import Source
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
from schemas.keys import (
    PROCESSED_PREFIX,
    RUNS_PREFIX,
    below,
    dump_quarantine_prefix,
    dump_rows_prefix,
    processed_ledger_key,
    run_prefix,
)
from schemas.ledger.run import DumpLedger, DumpSource
from schemas.version import CONTRACT_VERSION

#: Not just any end of a stream: that is also how Java is told that a Python worker is gone.
_TRUNCATED: Final = "Unexpected end of"
#: What a worker's traceback says last.
_NOT_WRITTEN: Final = re.compile(
    rf"^{re.escape(StorageError.__module__)}\.(StorageError|StorageDeniedError): (.*)$",
    re.MULTILINE,
)
#: Of Java's GZIPInputStream and of Hadoop's own reader.
_DAMAGED: Final = (
    "ZipException",
    "DataFormatException",
    "not a gzip file",
    "gzip data not compressed with deflate method",
    "stored gzip size doesn't match decompressed size",
    "incorrect header check",
    "incorrect data check",
    "invalid block type",
    "invalid stored block",
    "invalid distance",
    "invalid code",
    "invalid literal/length",
    "invalid bit length",
    "gzip stream",
)
#: Lines that a Python worker has at once.
_BATCH: Final = 2000
#: :class:`glue_etl.dump.part.Part` as Spark has it, and as it comes from a worker.
_PART: Final = "lines bigint, quarantined bigint, end bigint, unreadable array<string>"
_COUNTS: Final = [(name, pa.int64()) for name in ("lines", "quarantined", "end")]
_SENT: Final = pa.schema([*_COUNTS, ("unreadable", pa.list_(pa.string()))])


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a dump became: ``rows + quarantined == lines``."""

    status: str
    run_id: str
    lines: int
    rows: int
    quarantined: int

    def as_json(self) -> dict[str, Any]:
        """Return the result for machines."""
        return asdict(self)


def load_dump(
    arguments: BulkArguments, files: Files, spark: SparkSession, file: DumpSource
) -> Loaded:
    """Load a dump; its run's ledger comes last, and vouches for the rest.

    Raises
    ------
    EmptyDumpError, TruncatedDumpError, DamagedDumpError, TooManyBadLinesError
        When the dump is not what it should be; then nothing stays of it.
    RunTakenError
        When another job has loaded the run meanwhile, or it is no dump's; what there is stays.
    ConservationError
        When lines were lost or doubled; nor then.
    StorageError, StorageDeniedError
        When a file cannot be written, however often Spark tries.
    """
    writer = _writer(arguments, files)
    # Once more, since Spark took its time to start: what a finished load wrote is never deleted.
    if loaded := already_loaded(arguments, files, file):
        return loaded
    # Of an attempt that was killed, which may have had other parts.
    _clear(writer)
    try:
        loaded, unreadable = _load(arguments, writer, spark, file)
        if source_of(arguments, files) != file:
            raise DamagedDumpError(
                f"{arguments.dump} was replaced while it was read: load it again",
                dump=arguments.dump,
            )
    except BaseException:
        if files.read(_ledger_uri(arguments)) is None:
            _clear(writer)
        raise
    ledger = _ledger(loaded, file, unreadable).model_dump_json().encode()
    if files.write_if(_ledger_uri(arguments), ledger, None) is None:
        raise RunTakenError(
            f"run {arguments.run_id} was loaded by another job meanwhile, and its files may be of"
            " both: remove its ledger, and load it again",
            run_id=arguments.run_id,
        )
    return loaded


def _writer(arguments: BulkArguments, files: Files) -> PartWriter:
    return PartWriter(
        source=Source(arguments.run_id, f"dumps/{arguments.dump.rpartition('/')[2]}"),
        rows=arguments.processed + below(PROCESSED_PREFIX, dump_rows_prefix(arguments.run_id)),
        quarantine=dump_quarantine_prefix(arguments.quarantine, arguments.run_id),
        files=files,
    )


def _clear(writer: PartWriter) -> None:
    for folder in (writer.rows, writer.quarantine):
        writer.files.delete(folder)


def _load(
    arguments: BulkArguments, writer: PartWriter, spark: SparkSession, file: DumpSource
) -> tuple[Loaded, list[str]]:
    """Write the parts; return what became of them, and the works whose lines are quarantined."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(_BATCH))
    lines = dealt_lines(spark, arguments.dump, file.size)
    # Kept, because they are asked twice; were one lost, its part would be written again.
    parts = _write_parts(lines, writer).persist(StorageLevel.DISK_ONLY)
    try:
        loaded = _check(_count(parts), arguments)
        # Not with the counts: before they are checked, it could be the whole dump.
        return loaded, _unreadable_works(parts)
    except EtlError:
        raise
    except Exception as error:
        raise _cause(error, arguments.dump) or error from error
    finally:
        parts.unpersist()


def _cause(error: Exception, dump: str) -> EtlError | None:
    """Return what went wrong where the lines are; Spark wraps it, and only its text is left."""
    text = str(error)
    if failed := _NOT_WRITTEN.search(text):
        kind = StorageDeniedError if failed[1] == StorageDeniedError.__name__ else StorageError
        return kind(failed[2])
    if _TRUNCATED in text:
        return TruncatedDumpError(f"{dump} ends too early: fetch it again", dump=dump)
    if any(sign in text for sign in _DAMAGED):
        return DamagedDumpError(
            f"{dump} is damaged, and its compressed stream cannot be read: fetch it again",
            dump=dump,
        )
    return None


def source_of(arguments: BulkArguments, files: Files) -> DumpSource | None:
    """Describe the dump's file; ``None`` when there is none."""
    for file in files.find(arguments.dump):
        if file.uri == arguments.dump:
            name = arguments.dump.rpartition("/")[2]
            return DumpSource(name=name, size=file.size, etag=files.etag(file))
    return None


def already_loaded(
    arguments: BulkArguments, files: Files, source: DumpSource | None
) -> Loaded | None:
    """Return what a run's dump became, if it was loaded before.

    Raises
    ------
    RunTakenError
        When the run was loaded from another file, or is no dump's.
    """
    body = files.read(_ledger_uri(arguments))
    if body is None:
        _refuse_begun_crawl(arguments, files)
        return None
    ledger = _parsed(arguments, body)
    if ledger.subjects:
        raise _of_crawl(arguments)
    if source and ledger.dump and ledger.dump != source:
        raise RunTakenError(
            f"run {arguments.run_id} was loaded from another dump ({ledger.dump.name},"
            f" {ledger.dump.size} bytes): give this one another run (--run-id), such as a later"
            " time of its day",
            run_id=arguments.run_id,
        )
    return Loaded("unchanged", ledger.run_id, ledger.records, ledger.rows, ledger.quarantined)


def _refuse_begun_crawl(arguments: BulkArguments, files: Files) -> None:
    ledger = arguments.runs + below(RUNS_PREFIX, run_prefix(arguments.run_id))
    if files.find(ledger):
        raise _of_crawl(arguments)


def _of_crawl(arguments: BulkArguments) -> RunTakenError:
    return RunTakenError(
        f"run {arguments.run_id} is a crawl: give the dump another run (--run-id), such as"
        f" {arguments.run_id[:8]}T235959Z",
        run_id=arguments.run_id,
    )


def _parsed(arguments: BulkArguments, body: bytes) -> DumpLedger:
    try:
        return DumpLedger.model_validate_json(body)
    except ValidationError as error:
        raise RunTakenError(
            f"run {arguments.run_id} has a ledger that cannot be read: remove"
            f" {_ledger_uri(arguments)} to load it anew ({error.errors()[0]['msg']})",
            run_id=arguments.run_id,
        ) from error


def _write_parts(lines: DataFrame, writer: PartWriter) -> DataFrame:
    """Write the lines from where they are, and return what became of each partition's."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        assert context is not None  # noqa: S101  # every task has one
        part = writer.write(context.partitionId(), batches)
        yield pa.RecordBatch.from_pylist([asdict(part)], _SENT)

    return lines.select("line", "position").mapInArrow(write, _PART)


def _count(parts: DataFrame) -> Row:
    counted = parts.agg(
        F.sum("lines").alias("lines"),
        F.sum("quarantined").alias("quarantined"),
        F.max("end").alias("expected"),
    ).first()
    assert counted is not None  # noqa: S101  # an aggregate without groups has one row
    return counted


def _check(counted: Row, arguments: BulkArguments) -> Loaded:
    lines, bad = int(counted["lines"] or 0), int(counted["quarantined"] or 0)
    if lines == 0:
        raise EmptyDumpError(
            f"{arguments.dump} holds no line: OpenLibrary has published empty dumps (of 20 bytes)"
            " before, so take the newest earlier one that is larger; they are listed at"
            " https://archive.org/details/ol_exports"
        )
    if lines != counted["expected"]:
        raise ConservationError(
            f"{lines} lines were parsed of {counted['expected']}: a defect of this job",
            lines=lines,
            expected=int(counted["expected"]),
        )
    if bad > lines * arguments.max_bad_share:
        raise TooManyBadLinesError(
            f"{bad} of {lines} lines break the contract, more than {arguments.max_bad_share:.0%}:"
            " is it a dump of works?",
            lines=lines,
            quarantined=bad,
        )
    return Loaded("loaded", arguments.run_id, lines, lines - bad, bad)


def _unreadable_works(parts: DataFrame) -> list[str]:
    works = parts.select(F.explode("unreadable").alias("work_key")).distinct()
    return sorted(row["work_key"] for row in works.collect())


def _ledger(loaded: Loaded, file: DumpSource, unreadable: list[str]) -> DumpLedger:
    return DumpLedger(
        run_id=loaded.run_id,
        contract_version=CONTRACT_VERSION,
        manifest_status="complete",
        pages=1,
        records=loaded.lines,
        rows=loaded.rows,
        quarantined=loaded.quarantined,
        subjects={},
        dump=file,
        unreadable_works=unreadable,
    )


def _ledger_uri(arguments: BulkArguments) -> str:
    return arguments.runs + below(RUNS_PREFIX, processed_ledger_key(arguments.run_id))
