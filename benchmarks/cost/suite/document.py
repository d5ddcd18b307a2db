"""Writes docs/cost.md: ``./pants run benchmarks/cost/suite/document.py [-- --check]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.cost.suite import model
from benchmarks.cost.suite.figures import measured, prices, read
from benchmarks.cost.suite.lake import BAD_SHARE, PAGE_SIZE, PREFIXES
from ingest.openlibrary.manners import POLITE_RATE

DOCUMENT: Final = Path("docs/cost.md")

_HEAD: Final = """\
# What the lake costs

Made by `./pants run benchmarks/cost/suite/document.py` from what was measured and from list
prices; a test fails when it is stale.

**An estimate, not an offer.** The prices are list prices of {region} in {currency} as they were
published in {as_of}, written down by hand and not looked up since: check them on the pages
named below. No free tier, tax, support or discount is counted. Measured on a busy developer's
machine with an emulated AWS: calls and bytes carry over, processor times are rather too high.
Expect the truth between half and twice the sum, and watch it with the budget
(`MonthlyBudgetUsd`).
"""

_ASSUMED: Final = """\
- A month has {days} days. ETL and queries are counted although their stacks are optional.
- A crawl takes pages / {rate:g} seconds: ingest asks politely, and is billed while it waits.
  The other heartbeats, every five minutes, find nothing to do.
- A call of AWS from a function takes {call_ms:.0f} ms. Process works on one page at a time, and
  starts {starts} containers a run.
- Lambda polls the queue without pause, {polls:,} times a month.
- Raw pages lie {standard} months in S3 Standard, then in Infrequent Access if they are of 128
  KiB at least, which those measured are not (pages of 1000 works are); all else stays in
  Standard, and {builds} builds of the curated tables. Storage grows: in the first month it is a
  twelfth. Removed builds count for the days that their versions are kept; other
  replaced versions and access logs do not. Compaction, which reads each file of process once
  more and deletes it, is not counted.
- The ETL runs after each run on {workers} workers G.1X, uses half of their processors, and
  starts in {etl_start} s.
- {queries} queries a month, each reads a tenth of the curated tables, or the 10 MB that Athena
  charges at least.
- One key of KMS (`CustomerKey`) would add about 1 USD, and its requests.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; all columns but the first are numbers."""
    rules = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rules, *rows])


def dollars(amount: float) -> str:
    """Return an amount with no more digits than it is worth."""
    if amount < 0.005:
        return "0.00"
    return f"{amount:,.2f}" if amount < 10 else f"{amount:,.0f}"


def costs() -> str:
    """Return the costs of each scenario by item."""
    rows = [
        [name, *(dollars(cost(lake)) for lake in model.SCENARIOS)]
        for name, cost in model.ITEMS.items()
    ]
    sums = [sum(cost(lake) for cost in model.ITEMS.values()) for lake in model.SCENARIOS]
    rows.append(["**sum**", *(f"**{dollars(amount)}**" for amount in sums)])
    saved = [model.functions(lake) - model.functions(lake, "arm64") for lake in model.SCENARIOS]
    rows.append(["less, with `Architecture=arm64`", *(dollars(amount) for amount in saved)])
    return table(["USD a month", *(lake.name for lake in model.SCENARIOS)], rows)


def fixed() -> str:
    """Return what part of the sums does not depend on what is crawled."""
    parts = [
        model.watching(lake) / sum(cost(lake) for cost in model.ITEMS.values())
        for lake in model.SCENARIOS
    ]
    share = " / ".join(f"{part:.0%}" for part in parts)
    return (
        f"\nMetrics, alarms and dashboard, {share} of the sum, cost the same whatever is crawled.\n"
    )


def million() -> str:
    """Return what a million records cost, for the README as well."""
    lake, found = model.MILLION, measured()
    run = read("measured.json")["provenance"]
    writes = lake.month("writes and lists in S3", "calls")
    reads = lake.month("reads in S3", "calls")
    size = sum(lake.month(prefix.rstrip("/"), "bytes") for prefix in PREFIXES)
    seconds = lake.pages * found["page: process, ms CPU"] / 1000
    return (
        f"A million records take {writes:,.0f} writes and {reads:,.0f} reads in S3,"
        f" {seconds:.0f} s of processor time in process, and {size / 1e6:,.0f} MB of storage;"
        f" crawled, processed and built into the tables they cost about"
        f" {dollars(model.million())} USD (`{run['command']}`, {run['date']})."
    )


def scenarios() -> str:
    """Return what the scenarios are."""
    rows = [
        ["subjects", *(f"{lake.subjects:,}" for lake in model.SCENARIOS)],
        ["works of each, a run", *(f"{lake.works_each:,}" for lake in model.SCENARIOS)],
        ["runs a month", *(f"{lake.runs:,}" for lake in model.SCENARIOS)],
        ["pages a run", *(f"{lake.pages:,}" for lake in model.SCENARIOS)],
        ["minutes of a crawl", *(f"{lake.crawl_seconds / 60:,.1f}" for lake in model.SCENARIOS)],
        [
            "minutes of the ETL",
            *(f"{model.etl_seconds(lake) / 60:,.1f}" for lake in model.SCENARIOS),
        ],
    ]
    return table(["", *(lake.name for lake in model.SCENARIOS)], rows)


def snapstart() -> str:
    """Return why SnapStart is not used."""
    found = measured()
    starts = " / ".join(dollars(model.cold_starts(lake)) for lake in model.SCENARIOS)
    restore = prices()["lambda.snapstart_restore"].of(model.gigabytes("process"))
    cold = {unit: found[f"cold start: {unit}, ms CPU"] / 1000 for unit in ("ingest", "process")}
    return (
        f"Not used. It would cost {dollars(model.snapstart())} USD a month for each version"
        f" of process that is\nkept, and {1000 * restore:.2f} USD for a thousand restores. It would"
        f" save cold starts of {cold['process']:.1f} s (processor time of\nthe imports,"
        f" {read('measured.json')['provenance']['date']}), which cost"
        f" {starts} USD a month in all, and for which nobody waits: events wait\nin a queue, and"
        f" heartbeats are five minutes apart. The cold start of ingest is {cold['ingest']:.1f} s."
    )


def measurements() -> str:
    """Return what was measured."""
    rows = [
        [name.rsplit(", ", 1)[0], f"{figure:,.1f}", name.rsplit(", ", 1)[1]]
        for name, figure in measured().items()
    ]
    return table(["what", "figure", "unit"], rows)


def listed() -> str:
    """Return the prices, with their pages."""
    rows = [
        [
            f"`{name}`",
            f"{price.usd:.10f}".rstrip("0").rstrip("."),
            f"{price.per:,} {price.unit}",
            price.page,
        ]
        for name, price in prices().items()
    ]
    return table(["price", "USD", "for", "see"], rows)


def render() -> str:
    """Return the document."""
    parts = [
        _HEAD.format(**read("prices.json")),
        costs(),
        "",
        scenarios(),
        fixed(),
        "## A million records\n",
        million(),
        "\n## SnapStart\n",
        snapstart(),
        "\n## Assumed\n",
        _ASSUMED.format(
            days=model.MONTH_DAYS,
            rate=POLITE_RATE,
            call_ms=1000 * model.SECONDS_OF_A_CALL,
            starts=model.STARTS_OF_PROCESS,
            polls=model.POLLS,
            standard=model.STANDARD_MONTHS,
            builds=model.BUILDS_KEPT,
            workers=model.ETL_WORKERS,
            etl_start=model.ETL_START_SECONDS,
            queries=model.QUERIES,
        ),
        "## Measured\n",
        f"Pages of {PAGE_SIZE} works, of which {BAD_SHARE:.0%} are bad; "
        + "; ".join(_provenance(name) for name in ("measured.json", "measured_etl.json"))
        + ".\n",
        measurements(),
        "\n## Prices\n",
        listed(),
    ]
    return "\n".join(parts) + "\n"


def _provenance(name: str) -> str:
    found = read(name)["provenance"]
    return f"`{found['command']}` on {found['date']}, {found['machine']}, Python {found['python']}"


def main() -> int:
    """Write the document, or with ``--check`` only compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="document", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    if parser.parse_args().check:
        return int(DOCUMENT.read_text("utf-8") != render())
    DOCUMENT.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
