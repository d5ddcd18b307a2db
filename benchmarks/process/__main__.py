"""Measure process against its bound and its peers: ``./pants run benchmarks/process``.

Figures are ratios of CPU time, medians of interleaved repeats in one run. S3 and Glue are emulated
in a process of their own, whose time is not counted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.common.medians import Candidate, measure_cpu
from benchmarks.common.results import Report
from benchmarks.process.suite import container, puts, ways, writes
from benchmarks.process.suite.aws import Endpoint, endpoint
from benchmarks.process.suite.dlt_peer import Dlt
from benchmarks.process.suite.pages import RawPage, captured, generated

#: Pages that a repeat handles, and a run of dlt, whose start costs more than a page.
PAGES = {1000: 4, 100: 10}
DLT_PAGES = {1000: 20, 100: 40}
BAD_SHARE = 0.01


def measure_pages(report: Report, aws: Endpoint, size: int, repeats: int) -> None:
    """Measure pages of a size, from their bytes to Parquet in S3 with its partition."""
    clean = generated(size, PAGES[size])
    dirty = generated(size, PAGES[size], BAD_SHARE)
    dlt_pages = generated(size, DLT_PAGES[size], BAD_SHARE)
    thousands = size * PAGES[size] / 1000
    again = partial(aws.forget, "runs/")
    bound = Candidate(ways.Bound(clean), units=thousands)
    process = {
        "clean": Candidate(ways.Ours(clean), again, thousands),
        "dirty": Candidate(ways.Ours(dirty), again, thousands),
    }
    naive = Candidate(ways.Naive(clean), units=thousands, every=2)
    dlt = Candidate(
        Dlt(dlt_pages),
        units=size * DLT_PAGES[size] / 1000,
        every=max(repeats // 3, 1),
        warm=False,
    )
    candidates = {
        "bound": bound,
        "bound, no partition": Candidate(ways.Bound(clean, with_partition=False), units=thousands),
        **process,
        "from S3": Candidate(ways.Ours(clean, from_s3=True), again, thousands),
        "naive": naive,
        "dlt": dlt,
    }
    measure_cpu(candidates, repeats)
    name = f"pages of {size}"
    for kind, most in (("clean", 1.7), ("dirty", 1.9)):
        report.at_most(
            f"{name}, {kind}: process over the bound",
            process[kind].over(bound),
            "x",
            most,
            naive.over(bound),
        )
    report.at_least(f"{name}, dirty: dlt over process", dlt.over(process["dirty"]), "x", 3.0)
    report.at_least(f"{name}: naive over process (dirty)", naive.over(process["dirty"]), "x", 3.0)
    report.at_most(f"{name}: dirty over clean", process["dirty"].over(process["clean"]), "x", 1.1)
    add_details(report, name, candidates)


def add_details(report: Report, name: str, candidates: dict[str, Candidate]) -> None:
    """Add what each candidate took."""
    for way, candidate in candidates.items():
        report.detail(f"{name}, {way}", 1000 * candidate.median, "ms CPU per 1000 works")


def measure_captured(report: Report, aws: Endpoint, folder: Path, repeats: int) -> None:
    """Measure the captured page of 1000 works, which has more subjects than generated ones."""
    pages: list[RawPage] = list(captured(folder, 4))
    candidates = {
        "bound": Candidate(ways.Bound(pages), units=4),
        "process": Candidate(ways.Ours(pages), partial(aws.forget, "runs/"), 4),
    }
    measure_cpu(candidates, repeats)
    ratio = candidates["process"].over(candidates["bound"])
    report.detail("captured page, process over the bound", ratio, "x")
    add_details(report, "captured page", candidates)


def measure_writes(report: Report, aws: Endpoint, repeats: int) -> None:
    """Measure the write step alone: rows to Parquet in S3, and a new partition."""
    tables = [writes.rows_of(page) for page in generated(1000, 4)]
    naive = writes.Naive(tables)
    candidates = {
        "pyarrow and boto3": Candidate(writes.Plain(tables), units=4),
        "ours": Candidate(writes.Ours(tables), units=4),
        "awswrangler's to_parquet, tuned": Candidate(writes.ToParquet(tables), units=4),
        "naive": Candidate(naive, naive.prepare, 4, every=2),
    }
    measure_cpu(candidates, repeats)
    calls = {}
    for name, candidate in candidates.items():
        candidate.prepare()
        aws.calls()
        candidate.run()
        calls[name] = aws.calls().total() / len(tables)
    ours = candidates["ours"]
    plain = ours.over(candidates["pyarrow and boto3"])
    report.at_most("write step over pyarrow and boto3", plain, "x", 1.6)
    report.at_most("write step over naive awswrangler", ours.over(candidates["naive"]), "x", 0.5)
    report.at_most("AWS calls of the write step", calls["ours"], "a page", 2, calls["naive"])
    add_details(report, "write step", candidates)


def measure_puts(report: Report, repeats: int) -> None:
    """Measure what could be left out of a PUT of a page's file."""
    body = writes.file_of(generated(1000, 1)[0])
    candidates = {
        name: Candidate(puts.Put(body, config), units=puts.REPEATED)
        for name, config in puts.WITHOUT.items()
    }
    measure_cpu(candidates, repeats)
    for name, candidate in candidates.items():
        report.detail(f"a PUT of a page's file, {name}", 1000 * candidate.median, "ms CPU")


def measure(report: Report, aws: Endpoint, repeats: int, console: Console) -> None:
    """Take all measurements, telling which one is in work."""
    starts = max(repeats // 3, 2)
    steps: dict[str, Callable[[], None]] = {
        "imports": lambda: container.measure_imports(report, starts),
        "memory": lambda: container.measure_memory(report, generated(1000, 1)[0], starts),
        "package": lambda: container.measure_package(report, starts),
        "pages of 1000 works": lambda: measure_pages(report, aws, 1000, repeats),
        "pages of 100 works": lambda: measure_pages(report, aws, 100, repeats),
        "the write step": lambda: measure_writes(report, aws, repeats),
        "PUTs": lambda: measure_puts(report, repeats),
    }
    samples = os.environ.get("LAKE_SAMPLES")
    if samples:
        steps["the captured page"] = lambda: measure_captured(report, aws, Path(samples), repeats)
    else:
        report.skip("the captured page: LAKE_SAMPLES is not set")
    for name, step in steps.items():
        console.print(f"measuring {name} ...")
        step()


def main() -> None:
    """Measure, print the table, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks/process", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, noisier figures")
    options = parser.parse_args()
    report = Report()
    with endpoint() as aws:
        measure(report, aws, 3 if options.quick else 9, Console(stderr=True))
    report.print(Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140))
    if options.json:
        report.write(options.json)


if __name__ == "__main__":
    main()
