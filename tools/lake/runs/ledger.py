"""Read the run ledger: what each run expected, fetched and processed."""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from lake.aws import Cloud
from lake.objects import RESTORE, list_folders, object_keys, read_parsed
from schemas import keys
from schemas.ledger.curated_build import CuratedLedger
from schemas.ledger.run import ProcessedLedger, RunManifest

Ledger = TypeVar("Ledger", bound=BaseModel)


@dataclass(frozen=True)
class Run:
    """One run with those of its ledgers that are written.

    Attributes
    ----------
    damage
        What is wrong with a ledger that cannot be read; None where all can.
    """

    run_id: str
    manifest: RunManifest | None
    processed: ProcessedLedger | None
    damage: str | None = None


@dataclass(frozen=True)
class PageCounts:
    """Pages of a run stored by ingest, and of these the ones that process has finished."""

    stored: int
    processed: int


def run_ids(cloud: Cloud, bucket: str) -> list[str]:
    """Return the ids of all runs that have a ledger, oldest first; other names are ignored."""
    folders = list_folders(cloud, bucket, keys.RUNS_PREFIX)
    return sorted(filter(None, map(keys.parse_run_folder, folders)))


def read_run(cloud: Cloud, bucket: str, run_id: str) -> Run:
    """Return a run with the ledgers that it has so far.

    Raises
    ------
    UnreadableObjectError
        One of them is damaged.
    """
    return Run(
        run_id=run_id,
        manifest=read_ledger(cloud, bucket, keys.manifest_key(run_id), RunManifest),
        processed=read_ledger(cloud, bucket, keys.processed_ledger_key(run_id), ProcessedLedger),
    )


def count_pages(cloud: Cloud, bucket: str, run_id: str) -> PageCounts:
    """Count a run's pages as they are now; cheap enough to poll."""
    return PageCounts(
        stored=sum(1 for _ in object_keys(cloud, bucket, keys.raw_run_prefix(run_id))),
        processed=sum(1 for _ in object_keys(cloud, bucket, keys.receipts_prefix(run_id))),
    )


def read_ledger(cloud: Cloud, bucket: str, key: str, model: type[Ledger]) -> Ledger | None:
    """Return an object of the ledger; None if it is not written.

    Raises
    ------
    UnreadableObjectError
        It is damaged.
    """
    # Of all ledgers, the ETL's entries alone are written again when they are gone.
    anew = f" Or delete it: the next '{cloud.command('etl')}' writes it anew."
    hint = (
        f"{RESTORE}{anew if model is CuratedLedger else ''}"
        f" '{cloud.command('check --all')}' lists all that is damaged."
    )
    return read_parsed(cloud, bucket, key, model.model_validate_json, hint)
