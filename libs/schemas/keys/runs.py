"""Keys of the run ledger, and of the state that ingest keeps between runs."""

from __future__ import annotations

import re
from typing import Final

from schemas.keys.segments import (
    RUN_ID_PATTERN,
    InvalidKeyError,
    encode_segment,
    parse_run_id,
)

RUNS_PREFIX: Final = "runs/"
MANIFEST_NAME: Final = "manifest.json"
CHECKPOINT_KEY: Final = "state/ingest.json"
_BASELINES_PREFIX: Final = "state/baselines/"
_MANIFEST_KEY: Final = re.compile(
    rf"{RUNS_PREFIX}run_id=({RUN_ID_PATTERN})/{re.escape(MANIFEST_NAME)}"
)
_PART_PAGES_KEY: Final = re.compile(
    rf"{RUNS_PREFIX}run_id=({RUN_ID_PATTERN})/parts/([0-9]{{4,6}})/pages\.json"
)
_RUN_FOLDER: Final = re.compile(rf"run_id=({RUN_ID_PATTERN})")


def run_prefix(run_id: str) -> str:
    """Return the prefix of a run's ledger.

    Raises
    ------
    InvalidKeyError
        When the text is not a run id.
    """
    parse_run_id(run_id)
    return f"{RUNS_PREFIX}run_id={run_id}/"


def receipts_prefix(run_id: str) -> str:
    """Return the prefix of a run's page receipts."""
    return f"{run_prefix(run_id)}pages/"


def manifest_key(run_id: str) -> str:
    """Return the key of the manifest that ingest writes at the end of a run."""
    return f"{run_prefix(run_id)}{MANIFEST_NAME}"


def parse_manifest_key(key: str) -> str:
    """Return the run id of a manifest's key.

    Raises
    ------
    InvalidKeyError
        When the text is not a manifest's key.
    """
    found = _MANIFEST_KEY.fullmatch(key)
    if not found:
        raise InvalidKeyError(f"{key[:300]!r} is not the key of a run's manifest")
    parse_run_id(found[1])
    return found[1]


def parse_run_folder(name: str) -> str | None:
    """Return the run id of a folder right below the run ledger; ``None`` for another folder."""
    found = _RUN_FOLDER.fullmatch(name)
    if not found:
        return None
    try:
        parse_run_id(found[1])
    except InvalidKeyError:
        return None
    return found[1]


def plan_key(run_id: str) -> str:
    """Return the key of the plan that ingest freezes at the start of a run."""
    return f"{run_prefix(run_id)}plan.json"


def outcomes_prefix(run_id: str) -> str:
    """Return the prefix of the outcomes of a run's subjects."""
    return f"{run_prefix(run_id)}subjects/"


def outcome_key(run_id: str, subject: str) -> str:
    """Return the key of a finished subject's outcome, which the manifest will hold too."""
    return f"{outcomes_prefix(run_id)}{encode_segment(subject)}.json"


def baseline_key(subject: str) -> str:
    """Return the key of the last count of a subject that ingest believed, whatever run it was."""
    return f"{_BASELINES_PREFIX}{encode_segment(subject)}.json"


def parts_prefix(run_id: str) -> str:
    """Return the prefix of the parts in which a run's receipts are added up."""
    return f"{run_prefix(run_id)}parts/"


def parts_key(run_id: str) -> str:
    """Return the key of the object that says which parts a run has."""
    return f"{parts_prefix(run_id)}parts.json"


def part_pages_key(run_id: str, number: int) -> str:
    """Return the key of the pages that the manifest has in a part of the run."""
    return f"{parts_prefix(run_id)}{number:04d}/pages.json"


def part_sum_key(run_id: str, number: int) -> str:
    """Return the key of the sum over the receipts of a part."""
    return f"{parts_prefix(run_id)}{number:04d}/sum.json"


def parse_part_pages_key(key: str) -> tuple[str, int]:
    """Return the run id and the number of the part whose pages a key holds.

    Raises
    ------
    InvalidKeyError
        When the text is not the key of a part's pages.
    """
    found = _PART_PAGES_KEY.fullmatch(key)
    if not found or part_pages_key(found[1], int(found[2])) != key:
        raise InvalidKeyError(f"{key[:300]!r} is not the key of the pages of a part of a run")
    return found[1], int(found[2])


def processed_ledger_key(run_id: str) -> str:
    """Return the key of the ledger that process writes when every page of a run is done."""
    return f"{run_prefix(run_id)}processed.json"


def curated_ledger_key(run_id: str) -> str:
    """Return the key of the ledger that glue_etl writes when a run is in the curated tables."""
    return f"{run_prefix(run_id)}curated.json"
