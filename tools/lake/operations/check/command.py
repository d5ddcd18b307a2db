"""`./lake check`: which runs are checked, and what all of it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from lake.aws import Cloud
from lake.errors import CheckError
from lake.operations.check.builds import check_builds
from lake.operations.check.catalogue import check_partitions
from lake.operations.check.dumps import check_dump
from lake.operations.check.findings import Counts, Difference, Findings
from lake.operations.check.runs import check_run
from lake.operations.check.storage import Bucket
from lake.operations.check.strays import check_strays
from lake.steps import Say
from schemas import keys


@dataclass(frozen=True)
class CheckResult:
    """What was checked, and every difference.

    Attributes
    ----------
    differences
        The first thousand; `total` counts all.
    """

    ok: bool
    runs: list[str]
    counts: Counts
    total: int
    by_code: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return the result for machines."""
        return asdict(self)


def check_lake(cloud: Cloud, run_id: str | None, *, everything: bool, say: Say) -> CheckResult:
    """Compare what the ledgers say with what lies in the bucket and in the catalogue.

    Parameters
    ----------
    cloud
        Where the lake is.
    run_id
        The run to check; None for the newest.
    everything
        Whether every run is checked, and what belongs to nothing is looked for.
    say
        Shows how far the check is.

    Raises
    ------
    CheckError
        There is no such run, or none at all.
    """
    bucket = Bucket(cloud, cloud.parameter("foundation/data-bucket"))
    database = cloud.parameter("foundation/glue-database")
    chosen = _chosen_runs(bucket, run_id, everything=everything)
    findings = Findings()
    dumps, processed = [], []
    for run in chosen:
        if _is_dump(bucket, run):
            dumps.append(run)
            findings.merge(check_dump(bucket, run, say))
        else:
            findings.merge(check_run(bucket, run, say))
        if bucket.exists(keys.processed_ledger_key(run)):
            processed.append(run)
    say("compares the catalogue")
    findings.merge(check_partitions(bucket, database, chosen))
    say("compares the curated builds")
    findings.merge(check_builds(bucket, database, processed))
    if everything:
        say("looks for what belongs to nothing")
        findings.merge(check_strays(bucket, chosen, dumps))
    return CheckResult(
        ok=findings.total == 0,
        runs=list(chosen),
        counts=findings.counts,
        total=findings.total,
        by_code=dict(sorted(findings.by_code.items())),
        differences=findings.differences,
        remarks=findings.remarks,
    )


def _chosen_runs(bucket: Bucket, run_id: str | None, *, everything: bool) -> Sequence[str]:
    known = sorted(filter(None, map(keys.parse_run_folder, bucket.folders(keys.RUNS_PREFIX))))
    if run_id is not None and run_id not in known:
        newest = f" The newest is {known[-1]}." if known else ""
        raise CheckError(
            f"There is no run {run_id}.{newest}",
            f"'{bucket.cloud.command('status')}' lists the runs.",
        )
    if not known:
        raise CheckError(
            "There is no run to check.", f"'{bucket.cloud.command('ingest')}' makes one."
        )
    if everything:
        return known
    return [run_id or known[-1]]


def _is_dump(bucket: Bucket, run_id: str) -> bool:
    return next(bucket.keys(keys.dump_rows_prefix(run_id)), None) is not None
