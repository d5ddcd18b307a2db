"""Logs and metrics (CloudWatch's embedded format); no tracer: it doubles the cold start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from ingest.errors import IngestError, RateLimitedError, UserAgentRefusedError
from ingest.logic.heartbeat import HeartbeatResult
from ingest.logic.pages import PageRange, PageResult
from ingest.logic.subject_crawl import SubjectCrawl
from schemas.ledger.run import SubjectOutcome

SERVICE: Final = "ingest"
logger: Final = Logger(service=SERVICE)


@dataclass
class CrawlObserver:
    """Logs what a crawl meets and adds it up for the metrics of the invocation.

    Attributes
    ----------
    namespace, env
        Namespace of the metrics in CloudWatch, and environment; their dimensions are ``env`` and
        ``service``.
    """

    namespace: str
    env: str
    counts: Counter[str] = field(default_factory=Counter)
    run_id: str | None = None

    def run_known(self, run_id: str) -> None:
        """Name the run in every line from here on, until :meth:`close`."""
        self.run_id = run_id
        logger.append_keys(run_id=run_id)

    def page_stored(self, crawl: SubjectCrawl, result: PageResult) -> None:
        """Count a stored page."""
        entry = result.entry
        if entry is None:
            return
        self.counts["PagesStored"] += 1
        self.counts["WorksFetched"] += entry.works
        self.counts["BytesStored"] += entry.bytes
        logger.debug("page stored", extra={"subject": crawl.spec.key, "offset": result.offset})

    def request_failed(self, subject: str, page: PageRange, error: IngestError) -> None:
        """Count and log a request that failed."""
        self.counts["RequestsFailed"] += 1
        if error.tag == "data":
            self.counts["BodiesRefused"] += 1
        if isinstance(error, RateLimitedError | UserAgentRefusedError):
            self.counts["SourceRefused"] += 1
        log = logger.error if error.tag == "terminal" else logger.warning
        log(
            error.message,
            extra={
                "code": error.code,
                "tag": error.tag,
                "subject": subject,
                "offset": page.offset,
                "limit": page.limit,
                "failures": page.failures + 1,
            },
        )

    def subject_ended(self, outcome: SubjectOutcome) -> None:
        """Count and log the outcome of a subject."""
        self.counts[f"Subjects{outcome.status.title()}"] += 1
        log = logger.info if outcome.status == "complete" else logger.warning
        log("subject ended", extra=outcome.model_dump(mode="json", exclude={"pages"}))

    def heartbeat_ended(self, result: HeartbeatResult) -> None:
        """Log and count the heartbeat's result."""
        logger.info("heartbeat ended", extra=result.to_dict())
        self.counts[f"Heartbeats{result.action.title()}"] += 1
        if result.finished and result.status:
            self.counts[f"Runs{result.status.title()}"] += 1
        if result.status in {"source_down", "lease_lost"}:
            self.counts["SourceDown" if result.status == "source_down" else "LeaseLost"] += 1

    def heartbeat_failed(self, error: Exception) -> None:
        """Log an error that ends the invocation; Lambda logs it too, but names no run."""
        details = {"code": error.code, "tag": error.tag} if isinstance(error, IngestError) else {}
        logger.exception("heartbeat failed", extra=details)

    def close(self, remaining_seconds: float) -> None:
        """Hand everything counted to CloudWatch, on one line of the log, and forget the run."""
        metrics = Metrics(namespace=self.namespace, service=SERVICE)
        metrics.add_dimension(name="env", value=self.env)
        for name, value in self.counts.items():
            unit = MetricUnit.Bytes if name.startswith("Bytes") else MetricUnit.Count
            metrics.add_metric(name=name, unit=unit, value=value)
        metrics.add_metric(
            name="RemainingSeconds", unit=MetricUnit.Seconds, value=remaining_seconds
        )
        if self.run_id:
            metrics.add_metadata(key="run_id", value=self.run_id)
        metrics.flush_metrics()
        logger.remove_keys(["run_id"])
