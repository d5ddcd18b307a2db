"""What the lake costs in a month, from what it does and what that is charged at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.cost.suite.figures import (
    alarm_metrics,
    custom_metrics,
    default,
    measured,
    prices,
)
from ingest.logic.checkpoint import SAVE_SECONDS
from ingest.openlibrary.manners import POLITE_RATE

GB: Final = 1e9
#: As Lambda and Athena count.
GIB_MB: Final = 1024
MONTH_DAYS: Final = 30
MONTH_SECONDS: Final = MONTH_DAYS * 24 * 3600
#: Lambda gives a whole processor at this memory, and a share of it below.
MB_OF_A_PROCESSOR: Final = 1769
HEARTBEATS: Final = MONTH_SECONDS // 300

# What nothing here measures, each said in the document.
SECONDS_OF_A_CALL: Final = 0.03
STARTS_OF_PROCESS: Final = 2
POLLS: Final = 5 * MONTH_SECONDS // 20
ETL_WORKERS: Final = 2
ETL_WORKER_PROCESSORS: Final = 4
ETL_START_SECONDS: Final = 60
ETL_USE_OF_PROCESSORS: Final = 0.5
ETL_SHORTEST_SECONDS: Final = 60
QUERIES: Final = 30 * MONTH_DAYS
QUERY_SHARE: Final = 0.1
QUERY_LEAST_BYTES: Final = 10e6
MONTHS_KEPT: Final = 12
STANDARD_MONTHS: Final = 3
BUILDS_KEPT: Final = 2
# A build is written to a temporary folder of Spark first.
WRITTEN_PER_BUILD: Final = 2
#: Lifecycle rules of S3 leave smaller objects where they are.
LEAST_BYTES_MOVED: Final = 128 * 1024


@dataclass(frozen=True)
class Scenario:
    """A lake: its subjects, the works fetched of each in a run, and its runs in a month."""

    name: str
    subjects: int
    works_each: int
    runs: int

    @property
    def pages(self) -> int:
        """Pages of a run."""
        return self.subjects * math.ceil(self.works_each / default("ingest", "PageSize"))

    @property
    def works(self) -> int:
        """Works of a run."""
        return self.subjects * self.works_each

    @property
    def crawl_seconds(self) -> float:
        """Time of a crawl at the polite rate."""
        return self.pages / POLITE_RATE

    def month(self, what: str, unit: str) -> float:
        """Return what all runs of a month take of something that was measured."""
        found = measured()
        run = (
            self.pages * found[f"page: {what}, {unit}"]
            + self.subjects * found[f"subject: {what}, {unit}"]
            + found[f"run: {what}, {unit}"]
        )
        return max(0.0, self.runs * run)


SCENARIOS: Final = (
    Scenario("small", 5, 10_000, MONTH_DAYS),
    Scenario("medium", 100, 5_000, MONTH_DAYS),
    Scenario("large", 10_000, 1_000, 4),
)


def ingest_seconds(lake: Scenario) -> float:
    """Return the billed seconds of ingest: crawls take the pace's time, other heartbeats little."""
    found = measured()
    idle = (
        found["idle heartbeat: ingest, ms CPU"] / 1000 / share_of_processor("ingest")
        + found["idle heartbeat: reads in S3, calls"] * SECONDS_OF_A_CALL
    )
    return lake.runs * lake.crawl_seconds + HEARTBEATS * idle


def process_seconds(lake: Scenario) -> float:
    """Return the billed seconds of process: processor, calls of AWS, and starts of containers."""
    found = measured()
    busy = lake.runs * lake.pages * found["page: process, ms CPU"] / 1000
    waits = lake.month("calls by process", "calls") * SECONDS_OF_A_CALL
    starts = lake.runs * STARTS_OF_PROCESS * found["cold start: process, ms CPU"] / 1000
    return (busy + starts) / share_of_processor("process") + waits


def share_of_processor(unit: str) -> float:
    """Return the part of a processor that a function has; more than one is of no use to it."""
    return min(1.0, default(unit, "MemorySize") / MB_OF_A_PROCESSOR)


def gigabytes(unit: str) -> float:
    """Return a function's memory as it is billed."""
    return default(unit, "MemorySize") / GIB_MB


def functions(lake: Scenario, architecture: str = "x86_64") -> float:
    """Return the cost of both functions."""
    gigabyte_seconds = ingest_seconds(lake) * gigabytes("ingest") + process_seconds(
        lake
    ) * gigabytes("process")
    invocations = HEARTBEATS + lake.runs * (lake.pages + 1)
    return prices()[f"lambda.{architecture}"].of(gigabyte_seconds) + prices()["lambda.requests"].of(
        invocations
    )


def requests(lake: Scenario) -> float:
    """Return the cost of requests to S3; the checkpoint is written while a crawl lasts."""
    found = measured()
    checkpoints = lake.runs * lake.crawl_seconds / SAVE_SECONDS
    reads = HEARTBEATS * found["idle heartbeat: reads in S3, calls"]
    return prices()["s3.writes"].of(
        lake.month("writes and lists in S3", "calls") + checkpoints
    ) + prices()["s3.reads"].of(lake.month("reads in S3", "calls") + reads)


def curated_bytes(lake: Scenario) -> float:
    """Return the size of one build of the curated tables, which hold each work once."""
    return lake.works / 1e6 * measured()["1,000,000 works: curated tables, MiB"] * 2**20


def removed_builds(lake: Scenario) -> float:
    """Return how many removed builds lie as old versions, Spark's temporary files among them."""
    days = default("foundation", "CuratedNoncurrentDays")
    return WRITTEN_PER_BUILD * lake.runs * days / MONTH_DAYS


def storage(lake: Scenario) -> float:
    """Return the cost of storage in the twelfth month, when a year of data is there."""
    raw = lake.month("raw_data", "bytes")
    pages = lake.runs * lake.pages
    is_moved = raw / pages >= LEAST_BYTES_MOVED
    others = ("processed_data", "quarantine_data", "runs")
    kept = sum(lake.month(prefix, "bytes") for prefix in others) * MONTHS_KEPT
    standard = raw * (STANDARD_MONTHS if is_moved else MONTHS_KEPT) + kept
    builds = BUILDS_KEPT + removed_builds(lake)
    cost = prices()["s3.standard"].of((standard + builds * curated_bytes(lake)) / GB)
    if is_moved:
        cost += prices()["s3.infrequent"].of(raw * (MONTHS_KEPT - STANDARD_MONTHS) / GB)
        cost += prices()["s3.transitions"].of(pages)
    return cost


def events(lake: Scenario) -> float:
    """Return the cost of events, the schedule and the queue, which Lambda polls all the time."""
    messages = lake.runs * (lake.pages + 1)
    return (
        prices()["eventbridge.events"].of(lake.month("objects made", "objects"))
        + prices()["eventbridge.schedules"].of(HEARTBEATS)
        + prices()["sqs.requests"].of(3 * messages + POLLS)
    )


def etl_seconds(lake: Scenario) -> float:
    """Return the time of one run of the ETL on its workers."""
    found = measured()
    small, large = (found[f"{works} works: CPU, s"] for works in ("1,000,000", "4,000,000"))
    per_million = (large - small) / 3
    processor = max(small - per_million, 0) + per_million * lake.works / 1e6
    workers = ETL_WORKERS * ETL_WORKER_PROCESSORS * ETL_USE_OF_PROCESSORS
    return max(ETL_SHORTEST_SECONDS, ETL_START_SECONDS + processor / workers)


def etl(lake: Scenario) -> float:
    """Return the cost of the ETL, once a run."""
    return prices()["glue.dpu"].of(lake.runs * ETL_WORKERS * etl_seconds(lake) / 3600)


def logs(lake: Scenario) -> float:
    """Return the cost of logs, kept for a month."""
    idle = HEARTBEATS * measured()["idle heartbeat: log, bytes"]
    return prices()["cloudwatch.logs"].of((lake.month("log", "bytes") + idle) / GB)


def watching(_: Scenario) -> float:
    """Return the cost of metrics, alarms and dashboard."""
    return (
        prices()["cloudwatch.metrics"].of(custom_metrics())
        + prices()["cloudwatch.alarms"].of(alarm_metrics())
        + prices()["cloudwatch.dashboards"].of(1)
    )


def queries(lake: Scenario) -> float:
    """Return the cost of queries in Athena."""
    scanned = max(QUERY_LEAST_BYTES, QUERY_SHARE * curated_bytes(lake))
    return prices()["athena.scanned"].of(QUERIES * scanned / 1e12)


ITEMS: Final[dict[str, Callable[[Scenario], float]]] = {
    "functions (Lambda)": functions,
    "requests to S3": requests,
    "storage in S3, with a year of data": storage,
    "events, schedule and queue": events,
    "ETL (Glue)": etl,
    "logs": logs,
    "metrics, alarms, dashboard": watching,
    "queries (Athena)": queries,
}


#: Records in one run; what is paid for anyway is not in its cost.
MILLION: Final = Scenario("a million records", 100, 10_000, 1)
OF_RECORDS: Final = (functions, requests, events, etl, logs)


def million() -> float:
    """Return the cost of bringing a million records into the curated tables, without storage."""
    idle = replace(MILLION, runs=0)
    return sum(cost(MILLION) - cost(idle) for cost in OF_RECORDS)


def snapstart() -> float:
    """Return what SnapStart of process costs in a month for each version that is kept."""
    return prices()["lambda.snapstart_cache"].of(MONTH_SECONDS * gigabytes("process"))


def cold_starts(lake: Scenario) -> float:
    """Return what cold starts of process cost in a month."""
    seconds = measured()["cold start: process, ms CPU"] / 1000 / share_of_processor("process")
    starts = lake.runs * STARTS_OF_PROCESS
    return prices()["lambda.x86_64"].of(starts * seconds * gigabytes("process"))
