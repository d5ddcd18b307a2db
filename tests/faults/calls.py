"""The AWS calls of ingest, process and the Glue job, recognised from their HTTP requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

#: The User-Agent that process sets; ingest has botocore's own.
_PROCESS_AGENT: Final = "openlake-process"
#: What the Glue job is told to add to botocore's own, where it runs here.
JOB_AGENT: Final = "lake-glue-job"
_JSON_SERVICES: Final = {"AWSGlue": "glue", "AmazonSQS": "sqs", "AmazonSSM": "ssm"}
_S3_OPERATIONS: Final = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject"}
#: What an object is to the lake, by its key.
_OBJECTS: Final = {
    "page": r"raw_data/subjects/.*\.json\.gz",
    "checkpoint": r"state/ingest\.json",
    "baseline": r"state/baselines/.*",
    "plan": r"runs/[^/]*/plan\.json",
    "manifest": r"runs/[^/]*/manifest\.json",
    "outcome": r"runs/[^/]*/subjects/.*",
    "ledger": r"runs/[^/]*/processed\.json",
    "parts": r"runs/[^/]*/parts/parts\.json",
    "part": r"runs/[^/]*/parts/[0-9]+/pages\.json",
    "sum": r"runs/[^/]*/parts/[0-9]+/sum\.json",
    "receipt": r"runs/[^/]*/pages/.*",
    "rows": r"processed_data/.*",
    "rejected": r"quarantine_data/.*",
    "lease": r"curated_data/_lease\.json",
    "current": r"curated_data/_current\.json",
    "build": r"curated_data/_builds/.*",
    "curated": r"runs/[^/]*/curated\.json",
    "day": r"compacted_data/_days/.*",
    "day-pages": r"compacted_data/_pages/.*",
    "compacted": r"compacted_data/[^_].*",
}
#: What is listed, by its prefix.
_LISTINGS: Final = {
    "manifest": r"runs/[^/]*/manifest\.json",
    "pages": r"raw_data/subjects/.*",
    "outcomes": r"runs/[^/]*/subjects/.*",
    "receipts": r"runs/[^/]*/pages/.*",
    "parts": r"runs/[^/]*/parts/.*",
    "runs": r"runs/",
    "builds": r"curated_data/_builds/",
    "build": r"curated_data/[^_].*",
    "days": r"compacted_data/_days/",
    "compacted": r"compacted_data/[^_].*",
    "rows": r"processed_data/.*",
}


@dataclass(frozen=True)
class Call:
    """A call of a service.

    Attributes
    ----------
    caller
        ``ingest``, ``process`` or ``etl``.
    service, operation
        As boto3 and AWS name them: ``s3``, ``PutObject``.
    subject
        What the call is about: a kind of object for S3, a table for Glue, else empty.
    """

    caller: str
    service: str
    operation: str
    subject: str = ""

    @property
    def name(self) -> str:
        """The call's name in scenarios: ``process.PutObject.receipt``."""
        return ".".join(filter(None, (self.caller, self.operation, self.subject)))


def recognise(method: str, target: str, headers: Mapping[str, str]) -> Call:
    """Return the call that a request makes.

    Parameters
    ----------
    target
        Path and query of the request line.
    headers
        The request's headers, by names in lower case.
    """
    agent = headers.get("user-agent", "")
    callers = {_PROCESS_AGENT: "process", JOB_AGENT: "etl"}
    caller = next((name for known, name in callers.items() if known in agent), "ingest")
    if amz_target := headers.get("x-amz-target"):
        service, _, operation = amz_target.partition(".")
        return Call(caller, _JSON_SERVICES.get(service.partition("_")[0], service), operation)
    parts = urlsplit(target)
    _bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    if method == "POST":
        return Call(caller, "s3", "DeleteObjects")
    if method == "GET" and not key:
        prefix = parse_qs(parts.query).get("prefix", [""])[0]
        return Call(caller, "s3", "ListObjectsV2", _kind(_LISTINGS, prefix))
    return Call(caller, "s3", _S3_OPERATIONS.get(method, method), _kind(_OBJECTS, key))


def _kind(kinds: Mapping[str, str], name: str) -> str:
    return next((kind for kind, pattern in kinds.items() if re.fullmatch(pattern, name)), "other")
