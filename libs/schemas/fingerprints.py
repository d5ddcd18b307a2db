"""Fingerprints of runs: what tells whether a run's processed files are still those of a build."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from schemas.keys import DUMP_WORKS, run_of_processed_file

#: Processed tables that the curated ones are made of.
FINGERPRINTED: Final = ("works", "subject_snapshots", "subject_facets", DUMP_WORKS)
_BITS: Final = 128


def run_fingerprints(files: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Sum up the files of each run, in any order; other files are passed over.

    Parameters
    ----------
    files
        Path below the processed prefix, and ETag, of each file.
    """
    sums: dict[str, int] = {}
    for path, etag in files:
        table, _, rest = path.partition("/")
        run = run_of_processed_file(rest) if table in FINGERPRINTED else None
        if run:
            fact = int.from_bytes(sha256(f"{path} {etag}".encode()).digest()[: _BITS // 8])
            sums[run] = (sums.get(run, 0) + fact) % 2**_BITS
    return {run: f"{total:032x}" for run, total in sums.items()}
