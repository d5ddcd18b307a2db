"""The AWS of the benchmark: the endpoint in a process of its own, and clients for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.common.medians import python_environment

BUCKET: Final = "lake-data"
DATABASE: Final = "lake"
_ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "DATA_BUCKET": BUCKET,
    "GLUE_DATABASE": DATABASE,
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/queue",
    "POWERTOOLS_METRICS_NAMESPACE": "openlake",
    "POWERTOOLS_SERVICE_NAME": "process",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Endpoint:
    """A running endpoint."""

    url: str

    def calls(self) -> Counter[str]:
        """Return the calls since the last time, by name."""
        with urllib.request.urlopen(f"{self.url}/_/calls") as answer:  # noqa: S310  # 127.0.0.1
            return Counter(json.load(answer))

    def forget(self, prefix: str) -> None:
        """Remove all objects whose keys begin so."""
        request = urllib.request.Request(  # noqa: S310  # 127.0.0.1
            f"{self.url}/{BUCKET}/{prefix}", method="DELETE"
        )
        urllib.request.urlopen(request).close()  # noqa: S310  # as above


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Start an endpoint, and let boto3 use it and nothing else."""
    os.environ.update(_ENVIRONMENT)
    os.environ.pop("AWS_PROFILE", None)
    command = [sys.executable, "-m", "benchmarks.process.suite.endpoint"]
    with subprocess.Popen(  # this interpreter
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=python_environment(),
    ) as process:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        url = process.stdout.readline().strip()
        os.environ["AWS_ENDPOINT_URL"] = url
        # It ends with its standard input, which closes here and whenever this process ends.
        yield Endpoint(url)
