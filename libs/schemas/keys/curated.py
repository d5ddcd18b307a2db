"""Keys of the curated tables, of their builds, and of the reports."""

from __future__ import annotations

import re
from typing import Final

from schemas.keys.segments import RUN_ID_PATTERN, first_group

CURATED_PREFIX: Final = "curated_data/"
#: Names the published build. Query engines ignore names that begin with ``_``.
CURRENT_BUILD_KEY: Final = f"{CURATED_PREFIX}_current.json"
BUILD_RECORDS_PREFIX: Final = f"{CURATED_PREFIX}_builds/"
#: Held by whoever builds, publishes, rolls back or cleans.
CURATED_LEASE_KEY: Final = f"{CURATED_PREFIX}_lease.json"
EXCLUDED_RUNS_PREFIX: Final = f"{CURATED_PREFIX}_excluded/"
REPORTS_PREFIX: Final = "reports/"
#: A build's id is one segment of a key.
BUILD_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}"
_BUILD_FOLDER: Final = re.compile(rf"(?:^|/)build=({BUILD_PATTERN})(?:/|$)")
_BUILD_RECORD: Final = re.compile(rf"({BUILD_PATTERN})\.json")
_EXCLUDED_RUN: Final = re.compile(rf"({RUN_ID_PATTERN})\.json")


def curated_build_prefix(table: str, build: str) -> str:
    """Return the prefix of a curated table's files in a build."""
    return f"{CURATED_PREFIX}{table}/build={build}/"


def iceberg_table_prefix(table: str) -> str:
    """Return the prefix of a curated table's Iceberg metadata; the rows stay in the builds."""
    return f"{CURATED_PREFIX}iceberg/{table}/"


def parse_build(location: str) -> str | None:
    """Return the build that a folder's name, a key or a location names; ``None`` without one."""
    return first_group(_BUILD_FOLDER.search(location))


def at_build(location: str, build: str) -> str:
    """Return a location or key of a curated build's files with another build in its place."""
    found = _BUILD_FOLDER.search(location)
    return f"{location[: found.start(1)]}{build}{location[found.end(1) :]}" if found else location


def attempt_id(plan: str, token: int) -> str:
    """Return the id of the build that an attempt at a plan writes.

    Parameters
    ----------
    token
        Of the lease under which it is written: no two attempts share one, so no attempt ever
        writes where another writes or deletes.
    """
    return f"{plan}-{token}"


def attempt_records_prefix(plan: str) -> str:
    """Return the prefix of the records of all attempts at a plan."""
    return f"{BUILD_RECORDS_PREFIX}{plan}-"


def build_record_key(build: str) -> str:
    """Return the key of a build's record."""
    return f"{BUILD_RECORDS_PREFIX}{build}.json"


def parse_build_record_name(name: str) -> str | None:
    """Return the build whose record has this file name; ``None`` for another file."""
    return first_group(_BUILD_RECORD.fullmatch(name))


def excluded_run_key(run_id: str) -> str:
    """Return the key of the note that keeps a run out of the curated tables."""
    return f"{EXCLUDED_RUNS_PREFIX}{run_id}.json"


def parse_excluded_run_name(name: str) -> str | None:
    """Return the run whose exclusion has this file name; ``None`` for another file."""
    return first_group(_EXCLUDED_RUN.fullmatch(name))


def report_key(name: str) -> str:
    """Return the key of a file of the published reports."""
    return f"{REPORTS_PREFIX}{name}"
