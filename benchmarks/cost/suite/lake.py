"""The lake's work, measured: calls, bytes and processor time of both functions."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

import boto3

from benchmarks.process.suite.aws import BUCKET, Endpoint
from openlibrary_standin import StandIn, StandInConfig
from schemas.keys import manifest_key, new_run_id

#: Works of a page, as ingest asks for them by default, and the share of them that is bad.
PAGE_SIZE: Final = 500
BAD_SHARE: Final = 0.01
MOST_SUBJECTS: Final = 11
MOST_PAGES: Final = 12
PREFIXES: Final = ("raw_data/", "processed_data/", "quarantine_data/", "runs/")
_SUBJECTS_KEY: Final = "config/subjects.json"
_FIRST_RUN: Final = datetime(2026, 1, 5, 6, tzinfo=UTC)


@dataclass
class Work:
    """What some work took: calls of AWS by name, seconds of the processor, bytes of the log."""

    calls: Counter[str] = field(default_factory=Counter)
    cpu_seconds: float = 0.0
    log_bytes: int = 0

    def __iadd__(self, other: Work) -> Work:
        self.calls += other.calls
        self.cpu_seconds += other.cpu_seconds
        self.log_bytes += other.log_bytes
        return self


@dataclass(frozen=True)
class Run:
    """A run of the whole lake: its shape, what each function did, and objects by prefix."""

    subjects: int
    pages: int
    ingest: Work
    process: Work
    sizes: dict[str, list[int]]


class Lake:
    """Both functions with an emulated AWS and a source.

    Parameters
    ----------
    aws, source
        Where they write and read.
    """

    def __init__(self, aws: Endpoint, source: StandIn) -> None:
        os.environ.update(
            SOURCE_URL=source.url,
            SUBJECTS=f"s3:{_SUBJECTS_KEY}",
            PAGE_SIZE=str(PAGE_SIZE),
            CONTACT="benchmark@example.org",
            # How long a crawl takes follows from the polite pace, and is not measured.
            REQUESTS_PER_SECOND="100",
        )
        # They read their environment, which the endpoint has set, when they are imported.
        from ingest.handler import handler as ingest
        from process.handler import handler as process

        self._ingest, self._process = ingest, process
        self._aws = aws
        self._s3 = boto3.client("s3")
        self._moment = _FIRST_RUN

    def run(self, subjects: int, pages_each: int) -> Run:
        """Crawl so many subjects of so many pages, and process every page by itself.

        The manifest comes after the last page, as it does when process keeps up with the crawl.
        """
        self._aws.forget("")
        specs = [
            {"subject": f"subject_{number}", "max_works": pages_each * PAGE_SIZE}
            for number in range(subjects)
        ]
        self._s3.put_object(Bucket=BUCKET, Key=_SUBJECTS_KEY, Body=json.dumps(specs))
        self._moment += timedelta(days=1)
        fetched = self._work(partial(self._ingest, self._heartbeat(start=True), _context()))
        manifest = manifest_key(new_run_id(self._moment))
        ended = self._s3.get_object(Bucket=BUCKET, Key=manifest)["Body"].read()
        self._aws.forget(manifest)
        processed = Work()
        for key in self._keys("raw_data/"):
            processed += self._work(partial(self._process, _batch(key), _context()))
        self._s3.put_object(Bucket=BUCKET, Key=manifest, Body=ended)
        processed += self._work(partial(self._process, _batch(manifest), _context()))
        return Run(
            subjects=subjects,
            pages=subjects * pages_each,
            ingest=fetched,
            process=processed,
            sizes={prefix: [self._size(key) for key in self._keys(prefix)] for prefix in PREFIXES},
        )

    def idle_heartbeat(self) -> Work:
        """Wake ingest again after a run, when there is nothing to do."""
        return self._work(partial(self._ingest, self._heartbeat(start=False), _context()))

    def _heartbeat(self, *, start: bool) -> dict[str, Any]:
        return {"scheduled_time": self._moment.isoformat(), "start": start}

    def _work(self, call: Callable[[], object]) -> Work:
        self._aws.calls()
        with _captured_output() as log_bytes:
            started = time.process_time()
            call()
            seconds = time.process_time() - started
            return Work(self._aws.calls(), seconds, log_bytes())

    def _keys(self, prefix: str) -> Iterator[str]:
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return (found["Key"] for found in listed.get("Contents", ()))

    def _size(self, key: str) -> int:
        return int(self._s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"])


@contextmanager
def lake(aws: Endpoint) -> Iterator[Lake]:
    """Return a lake whose source has all the subjects and pages that a run may ask for."""
    works = {f"subject_{number}": MOST_PAGES * PAGE_SIZE for number in range(MOST_SUBJECTS)}
    with StandIn(StandInConfig(subject_works=works, bad_record_share=BAD_SHARE)) as source:
        yield Lake(aws, source)


def _batch(key: str) -> dict[str, Any]:
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    return {"Records": [{"messageId": "1", "body": json.dumps(event)}]}


def _context() -> Any:
    return SimpleNamespace(
        function_name="benchmark",
        memory_limit_in_mb=1769,
        invoked_function_arn="arn:aws:lambda:eu-west-1:000000000000:function:benchmark",
        aws_request_id="00000000-0000-0000-0000-000000000000",
        get_remaining_time_in_millis=lambda: 900_000,
    )


@contextmanager
def _captured_output() -> Iterator[Callable[[], int]]:
    """Keep what is printed, also by loggers that hold the stream; return its size in bytes."""
    with tempfile.TemporaryFile() as file:
        stdout = os.dup(1)
        os.dup2(file.fileno(), 1)

        def size() -> int:
            sys.stdout.flush()
            return os.fstat(file.fileno()).st_size

        try:
            yield size
        finally:
            sys.stdout.flush()
            os.dup2(stdout, 1)
            os.close(stdout)
