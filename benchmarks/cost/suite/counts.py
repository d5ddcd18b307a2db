"""What a run took: calls, objects and bytes, which are the same on every machine."""

from __future__ import annotations

from collections import Counter
from typing import Final

from benchmarks.cost.suite.lake import PREFIXES, Run

# S3 has two prices for requests.
WRITES: Final = ("PutObject", "ListObjectsV2")
READS: Final = ("GetObject", "HeadObject")


def calls(made: Counter[str], names: tuple[str, ...]) -> int:
    """Count the calls of some names."""
    return sum(made[name] for name in names)


def count(run: Run) -> dict[tuple[str, str], float]:
    """Count what a run took, by name and unit."""
    both = run.ingest.calls + run.process.calls
    counted: dict[tuple[str, str], float] = {
        ("writes and lists in S3", "calls"): calls(both, WRITES),
        ("reads in S3", "calls"): calls(both, READS),
        ("objects made", "objects"): both["PutObject"],
        ("calls by process", "calls"): run.process.calls.total(),
        ("log", "bytes"): run.ingest.log_bytes + run.process.log_bytes,
    }
    for prefix in PREFIXES:
        counted[prefix.rstrip("/"), "bytes"] = sum(run.sizes[prefix])
    return counted
