"""Logger and metrics of the service.

Powertools' Tracer is left out: it imports the X-Ray SDK, a fifth of the cold start, and Lambda's
own active tracing needs no SDK.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from process.errors import ProcessError, SchemaConflictError

logger = Logger(utc=True)
metrics = Metrics()


def count(name: str, value: float = 1) -> None:
    """Add to a metric of this invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def log_failure(error: Exception, **fields: object) -> None:
    """Log a failed item and count it by its kind."""
    code = error.code if isinstance(error, ProcessError) else "unexpected"
    details = error.fields if isinstance(error, ProcessError) else {}
    logger.error(
        str(error) or type(error).__name__,
        extra={"code": code, **details, **fields},
        exc_info=not isinstance(error, ProcessError) or error.__cause__ is not None,
    )
    count("ItemsFailed")
    if code == SchemaConflictError.code:
        count("SchemaConflicts")
