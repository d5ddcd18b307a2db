"""Where the works of the curated tables are from, as the raw objects say that they came from."""

import ipaddress
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from pydantic import ValidationError

from analytics.dashboard.report_data import Source
from lake.aws import Cloud
from lake.query.execute import run_query
from schemas.ledger.provenance import RawProvenance

Kind = Literal["openlibrary", "stand-in", "other", "dump", "unknown"]

# A run has one source, so one of its pages tells of all.
_RUNS: Final = """
    SELECT origin, min(raw_key) AS raw_key, count(*) AS works
    FROM works
    GROUP BY origin, run_id
    ORDER BY 2
"""
_OPENLIBRARY: Final = ("openlibrary.org", "www.openlibrary.org")
_THREADS: Final = 8


def read_sources(cloud: Cloud, filesystem: Any = None) -> tuple[Source, ...]:
    """Return the sources of the works in the curated tables, the one of most works first."""
    bucket = cloud.parameter("foundation/data-bucket")
    client = cloud.client("s3")
    rows = run_query(cloud, _RUNS, filesystem).rows

    def source_of(row: tuple[Any, ...]) -> tuple[Kind, str]:
        origin, key, _ = row
        return ("dump", key.rpartition("/")[2]) if origin == "dump" else _host(client, bucket, key)

    with ThreadPoolExecutor(_THREADS) as pool:
        return _added_up(zip(pool.map(source_of, rows), (row[2] for row in rows), strict=True))


def classify(url: str) -> tuple[Kind, str]:
    """Return what kind of source an address is, and its host."""
    host = urlsplit(url).hostname or url
    if host in _OPENLIBRARY:
        return "openlibrary", host
    return ("stand-in" if _is_this_machine(host) else "other"), host


def _host(client: Any, bucket: str, key: str) -> tuple[Kind, str]:
    try:
        metadata = client.head_object(Bucket=bucket, Key=key)["Metadata"]
        return classify(RawProvenance.from_metadata(metadata).url)
    except (ClientError, ValidationError):
        # Raw pages expire; what they told is gone with them.
        return "unknown", ""


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _added_up(found: Iterable[tuple[tuple[Kind, str], int]]) -> tuple[Source, ...]:
    works: Counter[tuple[Kind, str]] = Counter()
    for source, count in found:
        works[source] += count
    return tuple(
        Source(kind=kind, name=name, works=count) for (kind, name), count in works.most_common()
    )
