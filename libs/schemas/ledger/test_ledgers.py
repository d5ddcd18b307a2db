from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from schemas.events import Heartbeat, S3ObjectCreated
from schemas.ledger.provenance import RawProvenance
from schemas.ledger.run import (
    PageEntry,
    ProcessedLedger,
    RunManifest,
    SubjectCounts,
    SubjectOutcome,
)
from schemas.settings import CommonSettings

RUN = "20261123T060000Z"
TIME = datetime(2026, 11, 23, 6, 0, 5, 120000, tzinfo=UTC)


def provenance(**changes: object) -> RawProvenance:
    values: dict[str, object] = {
        "url": "https://openlibrary.org/subjects/love.json?limit=500&offset=0",
        "fetched_at": TIME,
        "http_status": 200,
        "work_count": 16212,
        "sha256": "0" * 64,
        "contract_version": "1",
        "run_id": RUN,
        "subject": "love",
        "offset": 0,
        "limit": 500,
    }
    return RawProvenance.model_validate(values | changes)


def test_provenance_survives_object_metadata() -> None:
    original = provenance(subject="日本_文学 %2F\n", work_count=None)

    metadata = original.to_metadata()

    assert RawProvenance.from_metadata(metadata) == original
    assert all(value.isascii() and value == value.strip() for value in metadata.values())


def test_provenance_metadata_has_stable_names_and_values() -> None:
    metadata = provenance().to_metadata()

    assert metadata["fetched-at"] == "2026-11-23T06:00:05.120000Z"
    assert metadata["http-status"] == "200"
    assert metadata["url"] == "https://openlibrary.org/subjects/love.json?limit=500&offset=0"


def test_provenance_without_a_digest_is_refused() -> None:
    with pytest.raises(ValidationError, match="sha256"):
        RawProvenance.from_metadata({"url": "x"})


def test_a_manifest_adds_up_its_subjects_and_survives_json() -> None:
    page = PageEntry(key="k", offset=0, works=3, bytes=10, sha256="f")
    outcome = SubjectOutcome(
        subject="love",
        kind="subject",
        status="complete",
        fetched=3,
        distinct=2,
        pages=[page],
        bytes=10,
    )
    manifest = RunManifest(
        run_id=RUN,
        contract_version="1",
        started_at=TIME,
        finished_at=TIME,
        status="complete",
        subjects=[outcome, outcome],
    )

    text = manifest.model_dump_json()

    assert RunManifest.model_validate_json(text) == manifest
    assert json.loads(text)["totals"]["fetched"] == 6
    assert json.loads(text)["totals"]["pages"] == 2


def test_an_outcome_of_an_earlier_version_has_no_baseline() -> None:
    text = '{"subject": "love", "kind": "subject", "status": "complete", "expected_last": 3}'

    outcome = SubjectOutcome.model_validate_json(text)

    assert (outcome.baseline, outcome.shrunk_runs) == (None, 0)


def test_a_ledger_does_not_depend_on_the_order_of_its_subjects() -> None:
    def ledger(*names: str) -> str:
        return ProcessedLedger(
            run_id=RUN,
            contract_version="1",
            manifest_status="complete",
            pages=0,
            records=0,
            rows=0,
            quarantined=0,
            subjects={name: SubjectCounts() for name in names},
        ).model_dump_json()

    assert ledger("a", "b") == ledger("b", "a")


def test_a_heartbeat_reads_the_scheduler_s_time() -> None:
    beat = Heartbeat.model_validate({"scheduled_time": "2026-11-23T06:00:00Z"})

    assert beat.scheduled_time == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert beat.start is False


def test_an_object_event_keeps_its_key_as_it_is() -> None:
    event = {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": "b"},
            "object": {"key": "subject=c%2B/x y", "size": 1, "etag": "e", "version-id": "v"},
        },
    }

    parsed = S3ObjectCreated.model_validate(event)

    assert (parsed.bucket, parsed.key) == ("b", "subject=c%2B/x y")


def test_an_empty_variable_counts_as_unset() -> None:
    with pytest.raises(ValidationError, match="DATA_BUCKET"):
        CommonSettings.from_environment({"DATA_BUCKET": ""})
