"""The curated tables in the bucket: the published build, and the runs that wait for the next."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from lake.aws import Cloud
from lake.errors import EtlError, UnreadableObjectError
from lake.etl.compacted import fingerprints
from lake.objects import exists, list_objects
from lake.runs.ledger import read_ledger, run_ids
from schemas import keys
from schemas.curated_tables import CURATED
from schemas.ledger.curated_build import (
    BUILD_FORMAT,
    BuildRecord,
    CurrentBuild,
    ExcludedRun,
    Pin,
)


@dataclass(frozen=True)
class Curated:
    """What is published.

    Attributes
    ----------
    current
        The published builds that are kept; None before the first.
    record
        What the current build contains.
    excluded
        Runs that stay out of the tables.
    """

    current: CurrentBuild | None = None
    record: BuildRecord | None = None
    excluded: dict[str, ExcludedRun] = field(default_factory=dict)

    @property
    def pin(self) -> Pin | None:
        """The build that readers stay in, if one is pinned."""
        return self.current.pin if self.current else None

    @property
    def can_extend(self) -> bool:
        """Whether the next build can be made from this one and newer crawls."""
        if self.record is None or self.record.format != BUILD_FORMAT:
            return False
        return self.excluded.keys().isdisjoint(self.record.runs)

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table, in the order of the contracts; empty before the first build."""
        tables = self.record.tables if self.record else {}
        return {name: tables[name].rows for name in CURATED if name in tables}


def read_curated(cloud: Cloud, bucket: str) -> Curated:
    """Return what is published.

    Raises
    ------
    EtlError
        The current build has no record.
    """
    current = read_ledger(cloud, bucket, keys.CURRENT_BUILD_KEY, CurrentBuild)
    notes = _notes(cloud, bucket)
    if current is None:
        return Curated(excluded=_kept_out(cloud, bucket, notes, {}))
    record = read_ledger(cloud, bucket, keys.build_record_key(current.build), BuildRecord)
    if record is None:
        raise EtlError(
            f"Build {current.build} is published but has no record.",
            f"Restore the previous version of {keys.build_record_key(current.build)}.",
        )
    return Curated(current, record, _kept_out(cloud, bucket, notes, record.runs))


def is_whole(cloud: Cloud, bucket: str, build: str) -> bool:
    """Return whether a build's files are those of its record, as the publisher reckons it."""
    record = None
    with suppress(UnreadableObjectError):
        record = read_ledger(cloud, bucket, keys.build_record_key(build), BuildRecord)
    if record is None:
        return False
    for name, told in record.tables.items():
        prefix = keys.curated_build_prefix(name, build)
        sizes = [item.size for item in list_objects(cloud, bucket, prefix)]
        if (len(sizes), sum(sizes)) != (told.files, told.bytes):
            return False
    return True


def processed_runs(cloud: Cloud, bucket: str, among: list[str] | None = None) -> list[str]:
    """Return the runs that process has finished, oldest first; of some runs, or of all."""
    found = run_ids(cloud, bucket) if among is None else among
    return [run for run in found if exists(cloud, bucket, keys.processed_ledger_key(run))]


def waiting_runs(cloud: Cloud, bucket: str, curated: Curated) -> list[str]:
    """Return the processed runs that are not in the current build, oldest first."""
    known = curated.record.runs if curated.record else {}
    others = known.keys() | curated.excluded.keys()
    fresh = [run for run in run_ids(cloud, bucket) if run not in others]
    return processed_runs(cloud, bucket, fresh)


def must_rebuild(cloud: Cloud, bucket: str, curated: Curated, waiting: list[str]) -> bool:
    """Return whether runs that wait can only come in with all others, as the job reckons it."""
    if not curated.can_extend or curated.record is None:
        return True
    dumps = {run for run in waiting if any(list_objects(cloud, bucket, keys.dump_rows_prefix(run)))}
    return not curated.record.can_take(waiting, dumps)


def replayed_runs(cloud: Cloud, bucket: str, curated: Curated) -> list[str]:
    """Return the runs of the current build whose files have changed since, oldest first.

    Dumps are left out: what is uploaded in parts has an ETag of its own kind.
    """
    if curated.record is None or not curated.record.runs:
        return []
    known = curated.record.runs
    found = fingerprints(cloud, bucket)
    return sorted(run for run in known.keys() & found.keys() if found[run] != known[run])


def _kept_out(
    cloud: Cloud, bucket: str, notes: Mapping[str, ExcludedRun], built: Mapping[str, str]
) -> dict[str, ExcludedRun]:
    """Return the notes that keep a run out as it is, as the job reckons it."""
    left_out = {run: note.fingerprint for run, note in notes.items() if note.fingerprint}
    # A dump and what has expired have not been replayed.
    now = {**left_out, **(fingerprints(cloud, bucket, left_out) if left_out else {})}
    return {
        run: note for run, note in notes.items() if note.keeps_out(now.get(run, ""), built.get(run))
    }


def _notes(cloud: Cloud, bucket: str) -> dict[str, ExcludedRun]:
    found = {}
    for item in list_objects(cloud, bucket, keys.EXCLUDED_RUNS_PREFIX):
        run = keys.parse_excluded_run_name(item.key.removeprefix(keys.EXCLUDED_RUNS_PREFIX))
        note = read_ledger(cloud, bucket, item.key, ExcludedRun) if run else None
        if run and note:
            found[run] = note
    return found
