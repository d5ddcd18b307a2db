"""Pages, their provenance, and the events that tell of them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from schemas.keys import RawKey
from schemas.ledger.provenance import RawProvenance
from schemas.version import CONTRACT_VERSION

RUN = "20261123T060000Z"
FETCHED = datetime(2026, 11, 23, 6, 0, 9, tzinfo=UTC)
BUCKET = "lake-data"


def make_metadata(body: bytes, page: RawKey, **changes: object) -> dict[str, str]:
    values = {
        "url": "https://openlibrary.org/subjects/love.json",
        "fetched_at": FETCHED,
        "http_status": 200,
        "sha256": sha256(body).hexdigest(),
        "contract_version": CONTRACT_VERSION,
        "run_id": page.run_id,
        "subject": page.subject,
        "offset": page.offset,
        "limit": 1000,
    }
    return RawProvenance.model_validate(values | changes).to_metadata()


def make_work(**changes: object) -> dict[str, Any]:
    work = {
        "key": "/works/OL1W",
        "title": "Emma",
        "edition_count": 3,
        "cover_id": 7,
        "cover_edition_key": "OL1M",
        "subject": ["Love", "England"],
        "ia_collection": ["americana"],
        "lendinglibrary": False,
        "printdisabled": True,
        "lending_edition": "OL2M",
        "lending_identifier": "emma00aust",
        "authors": [{"key": "/authors/OL1A", "name": "Jane Austen"}],
        "first_publish_year": 1815,
        "ia": "emma00aust",
        "public_scan": True,
        "has_fulltext": True,
        "availability": {"status": "open", "openlibrary_work": "OL999W"},
    }
    return work | changes


def make_page(*works: object, **changes: object) -> dict[str, Any]:
    page = {
        "key": "/subjects/love",
        "name": "Love",
        "subject_type": "subject",
        "work_count": len(works),
        "works": list(works),
    }
    return page | changes


def packed(document: object) -> bytes:
    return gzip.compress(json.dumps(document).encode(), mtime=0)


def make_event(key: str, bucket: str = BUCKET) -> str:
    return json.dumps(
        {
            "version": "0",
            "id": "0",
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
        }
    )


def make_batch(*bodies: str) -> list[dict[str, str]]:
    return [
        {"messageId": f"m{number}", "receiptHandle": f"h{number}", "body": body}
        for number, body in enumerate(bodies)
    ]
