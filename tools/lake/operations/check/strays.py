"""What lies in the lake and belongs to nothing: each location is listed once.

The pages, rows and rejected records of a run, and the files of a build, are compared where these
are checked. What is found here are the keys that no run, no compacted day and no build claims.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache, partial

from lake.operations.check.compacted import compacted_day
from lake.operations.check.findings import Findings
from lake.operations.check.storage import REMOVE, Bucket, is_hidden
from schemas import keys
from schemas.curated_tables import CURATED
from schemas.ledger.compacted import PAGED, CompactedDay
from schemas.tables import QUARANTINE

_RESTORE = "restore the run's ledger below runs/, or find out who wrote it, then remove it"
_DUMP_WORKS = f"{keys.PROCESSED_PREFIX}{keys.DUMP_WORKS}/"
_REFUSED = f"{keys.QUARANTINE_PREFIX}{keys.REFUSED_RESPONSES}/"


def check_strays(bucket: Bucket, runs: Collection[str], dumps: Collection[str]) -> Findings:
    """Find what nothing claims; memory does not grow with the lake.

    Parameters
    ----------
    runs
        All runs, each of which is checked by itself.
    dumps
        Those of them that came from dumps.
    """
    findings = Findings()
    owners = Owners(bucket, runs, dumps)
    for prefix, fault, remedy in (
        (keys.RAW_PREFIX, owners.raw_fault, _RESTORE),
        (keys.PROCESSED_PREFIX, owners.processed_fault, REMOVE),
        (keys.COMPACTED_PREFIX, owners.compacted_fault, REMOVE),
        (keys.QUARANTINE_PREFIX, owners.quarantine_fault, REMOVE),
        (keys.CURATED_PREFIX, curated_fault, REMOVE),
    ):
        for key in bucket.keys(prefix):
            if not is_hidden(key) and (what := fault(key)):
                findings.differ("object.stray", bucket.uri(key), what, remedy)
    for run in sorted(owners.loading):
        findings.remarks.append(
            f"there are rows or rejected lines of a dump as run {run}, and no ledger: it is being"
            " loaded, or was cut off; the curated tables do not have it"
        )
    return findings


class Owners:
    """Who claims an object: a rule for each location returns what is wrong with a key, or nothing.

    Attributes
    ----------
    loading
        Runs that have something of a dump, and no ledger.
    """

    def __init__(self, bucket: Bucket, runs: Collection[str], dumps: Collection[str]) -> None:
        self.loading: set[str] = set()
        self._bucket = bucket
        self._runs = frozenset(runs)
        self._dumps = frozenset(dumps)
        # Keys come in order: those of a run, and of a day, lie together.
        self._has_ledger = lru_cache(maxsize=64)(self._look_for_ledger)
        self._record = lru_cache(maxsize=8)(partial(_record, bucket))

    def raw_fault(self, key: str) -> str:
        """Judge an object among the raw pages."""
        run = _run_of(keys.RAW_PREFIX, key)
        if run is None or not key.startswith(keys.raw_run_prefix(run)):
            return "its key is not that of a raw page"
        return self._page_fault(run)

    def processed_fault(self, key: str) -> str:
        """Judge an object of the processed tables."""
        for table in PAGED.values():
            run = _run_of(table.location, key)
            if run is not None and key.startswith(keys.processed_run_prefix(table.name, run)):
                return self._page_fault(run)
        run = _run_of(_DUMP_WORKS, key)
        if run is not None and key.startswith(keys.dump_rows_prefix(run)):
            return self._dump_fault(run, is_whole=key.endswith(".parquet"))
        return "its key is not that of the rows of a run"

    def quarantine_fault(self, key: str) -> str:
        """Judge an object of the quarantine."""
        for location in (QUARANTINE.location, _REFUSED):
            run = _run_of(location, key)
            if run is None:
                continue
            if key.startswith(keys.dump_quarantine_prefix(QUARANTINE.location, run)):
                return self._dump_fault(run, is_whole=key.endswith(".gz"))
            if key.startswith(keys.quarantined_run_prefix(location, run)):
                return self._page_fault(run)
        if key.startswith(QUARANTINE.location) and keys.is_unrecognised_object(
            keys.below(QUARANTINE.location, key)
        ):
            return ""
        return "its key is not that of what a run rejected"

    def compacted_fault(self, key: str) -> str:
        """Judge an object of the compacted tables: a day's readers see the folders of its record.

        Other folders are older, or are being written: compaction removes them.
        """
        table, _, path = keys.below(keys.COMPACTED_PREFIX, key).partition("/")
        day, rest = keys.split_day(path)
        generation, _, name = rest.partition("/")
        if table not in PAGED or not generation.isdigit():
            return "its key is not that of compacted rows"
        record = self._record(day)
        if record is None or generation != record.generation:
            return ""
        named = table in record.tables and name in record.tables[table].files
        return "" if named else "the record of its day does not name it"

    def _page_fault(self, run: str) -> str:
        if run in self._dumps:
            return "its run came from a dump, which has no pages"
        return "" if self._is_known(run) else "its run has no ledger"

    def _dump_fault(self, run: str, *, is_whole: bool) -> str:
        if not is_whole:
            return "a dump has no such file"
        if not self._is_known(run):
            self.loading.add(run)
        return ""

    def _is_known(self, run: str) -> bool:
        # A run may have begun after the others were listed.
        return run in self._runs or self._has_ledger(run)

    def _look_for_ledger(self, run: str) -> bool:
        return next(self._bucket.keys(keys.run_prefix(run)), None) is not None


def curated_fault(key: str) -> str:
    """Judge an object of the curated tables; whether a build has its files is checked with it."""
    table, _, path = keys.below(keys.CURATED_PREFIX, key).partition("/")
    folder, _, name = path.partition("/")
    is_of_build = table in CURATED and bool(name) and keys.parse_build(folder) is not None
    is_metadata = any(key.startswith(keys.iceberg_table_prefix(one)) for one in CURATED)
    return "" if is_of_build or is_metadata else "it is of no build"


def _record(bucket: Bucket, day: str) -> CompactedDay | None:
    # One that is unreadable is reported with the catalogue.
    return compacted_day(bucket, day, Findings())


def _run_of(location: str, key: str) -> str | None:
    return keys.run_of_path(keys.below(location, key)) if key.startswith(location) else None
