"""Fingerprints of files: what tells whether they are still those that a build or a ledger has.

Fingerprints add up: that of all files is the sum of those of its parts, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from schemas.keys import DUMP_WORKS, run_of_processed_file

#: Processed tables that the curated ones are made of.
FINGERPRINTED: Final = ("works", "subject_snapshots", "subject_facets", DUMP_WORKS)
NO_FILES: Final = "0" * 32
_BITS: Final = 128


def fingerprint(files: Iterable[tuple[str, str]]) -> str:
    """Sum up files by name and ETag, in any order."""
    return _text(sum(_fact(name, etag) for name, etag in files))


def combined(fingerprints: Iterable[str]) -> str:
    """Return the fingerprint of all files from those of disjoint parts."""
    return _text(sum(int(part, 16) for part in fingerprints))


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
            sums[run] = sums.get(run, 0) + _fact(path, etag)
    return {run: _text(total) for run, total in sums.items()}


def _fact(name: str, etag: str) -> int:
    return int.from_bytes(sha256(f"{name} {etag}".encode()).digest()[: _BITS // 8])


def _text(total: int) -> str:
    return f"{total % 2**_BITS:032x}"
