"""Loads a dump with Spark: every line becomes a row or a quarantine record, exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructField, StructType
from pyspark.storagelevel import StorageLevel

from glue_etl.adapters.spark_session import reader
from glue_etl.dump.batch import REJECTED, parse_batch
from glue_etl.dump.record import Source
from glue_etl.errors import (
    DamagedDumpError,
    EmptyDumpError,
    EtlError,
    RunTakenError,
    TooManyBadLinesError,
    TruncatedDumpError,
)
from glue_etl.ports import Files
from glue_etl.settings import BulkArguments
from glue_etl.tables.columns import conform, struct_type
from schemas.keys import (
    PROCESSED_PREFIX,
    RUNS_PREFIX,
    below,
    dump_quarantine_prefix,
    dump_rows_prefix,
    processed_ledger_key,
)
from schemas.ledger.run import DumpLedger, DumpSource
from schemas.tables import WORKS
from schemas.version import CONTRACT_VERSION

_MASK: Final = (1 << 33) - 1
#: Not just any end of a stream: that is also how Java is told that a Python worker is gone.
_TRUNCATED: Final = "Unexpected end of"
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
#: Bytes of a compressed dump that become one partition, and one file of rows of about that size.
_PART: Final = 32 * 2**20
#: Lines that a Python worker has at once.
_BATCH: Final = 2000


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
    EmptyDumpError, TruncatedDumpError, TooManyBadLinesError
        When the dump is not what it should be; then nothing was written.
    """
    source = Source(arguments.run_id, f"dumps/{arguments.dump.rpartition('/')[2]}")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(_BATCH))
    lines = numbered_lines(spark, arguments.dump)
    if _is_compressed(arguments.dump):
        # It is one partition, however large. By position, since Spark sorts what it deals in turn.
        parts = max(spark.sparkContext.defaultParallelism, ceil(file.size / _PART))
        lines = lines.repartition(parts, "position")
    parsed = parse_lines(lines, source).persist(StorageLevel.DISK_ONLY)
    try:
        loaded = _check(_count(parsed), arguments)
        _write(parsed, arguments)
        # Not with the counts: before they are checked, it could be the whole dump.
        unreadable = _unreadable_works(parsed)
    except EtlError:
        raise
    except Exception as error:
        # Spark wraps the cause; only Java's own message says that the stream is damaged.
        raise _of_stream(error, arguments.dump) or error from error
    finally:
        parsed.unpersist()
    ledger = _ledger(loaded, file, unreadable).model_dump_json().encode()
    files.write(_ledger_uri(arguments), ledger)
    return loaded


def _of_stream(error: Exception, dump: str) -> EtlError | None:
    text = str(error)
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
        return None
    ledger = DumpLedger.model_validate_json(body)
    if ledger.subjects:
        raise RunTakenError(
            f"run {arguments.run_id} is a crawl: give the dump another run (--run-id), such as"
            f" {arguments.run_id[:8]}T235959Z",
            run_id=arguments.run_id,
        )
    if source and ledger.dump and ledger.dump != source:
        raise RunTakenError(
            f"run {arguments.run_id} was loaded from another dump ({ledger.dump.name},"
            f" {ledger.dump.size} bytes): give this one another run (--run-id), such as a later"
            " time of its day",
            run_id=arguments.run_id,
        )
    return Loaded("unchanged", ledger.run_id, ledger.records, ledger.rows, ledger.quarantined)


def numbered_lines(spark: SparkSession, uri: str) -> DataFrame:
    """Read a text's lines as bytes, each with its position from 0: ``line``, ``position``."""
    # Other line ends may be data: JSON allows U+2028 and editors typed it.
    lines = reader(spark).option("lineSep", "\n").text(uri)
    numbered = lines.select(
        F.col("value").cast("binary").alias("line"), F.monotonically_increasing_id().alias("id")
    )
    place = numbered.select(
        "line",
        F.shiftright("id", 33).alias("part"),
        F.col("id").bitwiseAND(F.lit(_MASK)).alias("index"),
    )
    if _is_compressed(uri):
        return place.select("line", F.col("index").alias("position"))
    starts, start = [], 0
    for row in sorted(place.groupBy("part").count().collect()):
        starts.append((row["part"], start))
        start += row["count"]
    known = spark.createDataFrame(starts, "part bigint, start bigint")
    joined = place.join(F.broadcast(known), "part")
    return joined.select("line", (F.col("start") + F.col("index")).alias("position"))


def _is_compressed(uri: str) -> bool:
    """Return whether a dump is one stream, which Spark cannot split."""
    return uri.endswith(".gz")


def parse_lines(lines: DataFrame, source: Source) -> DataFrame:
    """Parse lines into the columns of a processed row, or into a quarantine record.

    Column :data:`REJECTED` holds the quarantine record as JSON, and is null for a row.
    """
    schema = StructType([*struct_type(WORKS.columns).fields, StructField(REJECTED, StringType())])

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for batch in batches:
            lines = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            yield parse_batch(lines, source)

    return lines.select("line", "position").mapInArrow(parse, schema)


def _count(parsed: DataFrame) -> Row:
    counted = parsed.agg(
        F.count("*").alias("lines"),
        F.count(REJECTED).alias("quarantined"),
        F.coalesce(F.max("position") + 1, F.lit(0)).alias("expected"),
    ).first()
    assert counted is not None  # noqa: S101  # an aggregate without groups has one row
    return counted


def _check(counted: Row, arguments: BulkArguments) -> Loaded:
    lines, bad = int(counted["lines"]), int(counted["quarantined"])
    if lines == 0:
        raise EmptyDumpError(
            f"{arguments.dump} holds no line: OpenLibrary has published empty dumps (of 20 bytes)"
            " before, so take the newest earlier one that is larger; they are listed at"
            " https://archive.org/details/ol_exports"
        )
    if lines != counted["expected"]:
        raise EtlError(f"{lines} lines were parsed of {counted['expected']}: a defect of this job")
    if bad > lines * arguments.max_bad_share:
        raise TooManyBadLinesError(
            f"{bad} of {lines} lines break the contract, more than {arguments.max_bad_share:.0%}:"
            " is it a dump of works?",
            lines=lines,
            quarantined=bad,
        )
    return Loaded("loaded", arguments.run_id, lines, lines - bad, bad)


def _write(parsed: DataFrame, arguments: BulkArguments) -> None:
    rows = conform(parsed.where(F.col(REJECTED).isNull()), WORKS.columns)
    folder = arguments.processed + below(PROCESSED_PREFIX, dump_rows_prefix(arguments.run_id))
    rows.write.mode("overwrite").parquet(folder)
    # Few, so that one task puts them in order; Spark's own order would read everything once more.
    bad = parsed.where(F.col(REJECTED).isNotNull()).repartition(1).sortWithinPartitions("position")
    place = dump_quarantine_prefix(arguments.quarantine, arguments.run_id)
    bad.select(REJECTED).write.mode("overwrite").option("compression", "gzip").text(place)


def _unreadable_works(parsed: DataFrame) -> list[str]:
    bad = parsed.where(F.col(REJECTED).isNotNull() & F.col("work_key").isNotNull())
    return sorted(row["work_key"] for row in bad.select("work_key").distinct().collect())


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
