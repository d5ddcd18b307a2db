"""The sources of a report are those that the raw pages name."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from moto import mock_aws

from analytics.dashboard.report_data import Source
from lake.aws import Cloud
from lake.reports import sources
from lake.testing.lakes import BUCKET, lake_in_memory
from schemas.ledger.provenance import RawProvenance


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield lake_in_memory()


def _put(cloud: Cloud, key: str, url: str) -> None:
    provenance = RawProvenance.model_validate(
        {
            "url": url,
            "fetched_at": "2026-11-23T06:00:00Z",
            "http_status": 200,
            "sha256": "0" * 64,
            "contract_version": "1",
            "run_id": "20261123T060000Z",
            "subject": "love",
            "offset": 0,
            "limit": 500,
        }
    )
    cloud.client("s3").put_object(
        Bucket=BUCKET, Key=key, Body=b"x", Metadata=provenance.to_metadata()
    )


def test_runs_are_added_up_by_what_their_pages_name(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN runs of a stand-in, of OpenLibrary and expired ones, and a dump THEN each counts."""
    _put(cloud, "a", "http://127.0.0.1:4000/subjects/love.json")
    _put(cloud, "b", "http://127.0.0.1:5000/subjects/love.json")
    _put(cloud, "c", "https://openlibrary.org/subjects/love.json?limit=500")
    rows = [("listing", key, works) for key, works in (("a", 3), ("b", 4), ("c", 5), ("gone", 1))]
    rows.append(("dump", "raw_data/dumps/ol_dump_works_2026-09-30.txt.gz", 9))
    monkeypatch.setattr(sources, "run_query", lambda *_: SimpleNamespace(rows=rows))

    found = sources.read_sources(cloud)

    assert found == (
        Source(kind="dump", name="ol_dump_works_2026-09-30.txt.gz", works=9),
        Source(kind="stand-in", name="127.0.0.1", works=7),
        Source(kind="openlibrary", name="openlibrary.org", works=5),
        Source(kind="unknown", name="", works=1),
    )


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://openlibrary.org/x", "openlibrary"),
        ("https://openlibrary.org.example/x", "other"),
        ("http://localhost:80/x", "stand-in"),
        ("http://[::1]:80/x", "stand-in"),
        ("http://10.0.0.7/x", "other"),
        ("no address", "other"),
    ],
)
def test_a_source_is_known_by_its_host(url: str, kind: str) -> None:
    assert sources.classify(url)[0] == kind
