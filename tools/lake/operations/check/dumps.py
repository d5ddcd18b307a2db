"""One run that came from a dump: each line of it is a row or a rejected line, exactly once."""

from __future__ import annotations

from collections.abc import Iterable

from lake.operations.check.findings import Findings
from lake.operations.check.storage import (
    Bucket,
    UnreadableError,
    json_lines,
    parsed,
    read_model,
    row_positions,
)
from lake.steps import Say
from schemas import keys
from schemas.ledger.run import ProcessedLedger
from schemas.tables import QUARANTINE


class Positions:
    """Which lines of a dump were seen: a bit a line, so that 40 million take 5 MB."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = bytearray(count // 8 + 1)
        self.doubled = 0
        self.foreign = 0
        self.distinct = 0

    def add(self, positions: Iterable[int]) -> None:
        """Mark lines as seen."""
        for position in positions:
            if not 0 <= position < self._count:
                self.foreign += 1
            elif self._seen[position >> 3] >> (position & 7) & 1:
                self.doubled += 1
            else:
                self._seen[position >> 3] |= 1 << (position & 7)
                self.distinct += 1

    @property
    def missing(self) -> int:
        """Lines that were not seen."""
        return self._count - self.distinct


def check_dump(bucket: Bucket, run_id: str, say: Say) -> Findings:
    """Check a run that was loaded from a dump, against its ledger; a file is held at a time."""
    findings = Findings()
    ledger_key = keys.processed_ledger_key(run_id)
    ledger = read_model(bucket, ledger_key, ProcessedLedger, findings)
    if ledger is None:
        if not findings.total:
            findings.differ(
                "ledger.missing",
                bucket.uri(ledger_key),
                "there are rows of a dump, and nothing vouches for them",
                _restore(bucket),
            )
        return findings
    seen = Positions(ledger.records)
    rows = rejected = 0
    for key in bucket.keys(keys.dump_rows_prefix(run_id)):
        if key.endswith(".parquet"):
            found = parsed(bucket, key, row_positions, _restore(bucket), findings) or []
            rows += len(found)
            seen.add(found)
            say(f"{run_id}: {rows} rows of the dump compared")
    for key in bucket.keys(keys.dump_quarantine_prefix(QUARANTINE.location, run_id)):
        if key.endswith(".gz"):
            numbers = parsed(bucket, key, _line_numbers, _restore(bucket), findings) or []
            rejected += len(numbers)
            seen.add(numbers)
    findings.counts.records = ledger.records
    findings.counts.rows = rows
    findings.counts.quarantined = rejected
    _compare(bucket, ledger, {"rows": rows, "quarantined": rejected}, findings)
    for code, count, what in (
        ("dump.lines_lost", seen.missing, "neither a row nor in quarantine"),
        ("dump.lines_doubled", seen.doubled, "there more than once"),
        ("dump.lines_foreign", seen.foreign, "numbered beyond the dump's end"),
    ):
        if count:
            place = bucket.uri(keys.processed_ledger_key(run_id))
            findings.differ(
                code, place, f"{count} of {ledger.records} lines are {what}", _reload(bucket)
            )
    return findings


def _reload(bucket: Bucket) -> str:
    return f"load the dump again with '{bucket.cloud.command('backfill DUMP')}'"


def _restore(bucket: Bucket) -> str:
    return f"restore its former version, or {_reload(bucket)}"


def _line_numbers(body: bytes) -> list[int]:
    numbers = [line.get("position") for line in json_lines(body)]
    found = [number for number in numbers if isinstance(number, int)]
    if len(found) < len(numbers):
        raise UnreadableError("a rejected line has no number")
    return found


def _compare(
    bucket: Bucket, ledger: ProcessedLedger, there: dict[str, int], findings: Findings
) -> None:
    for name, count in there.items():
        said = getattr(ledger, name)
        if said != count:
            findings.differ(
                "ledger.other_count",
                bucket.uri(keys.processed_ledger_key(ledger.run_id)),
                f"it says {said} {name}, {count} are there",
                _reload(bucket),
            )
