"""A run of the verification's own: pages put where ingest puts them, and removed at the end.

It has no manifest, so it never becomes a finished run, and no build takes it. Its day is one of
which no crawl can be, so its partitions are its own.
"""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from lake.aws import Cloud
from lake.objects import object_keys, read_object
from lake.operations.verify.claims import ClaimFailedError
from schemas.keys import RawKey, day_prefix, new_run_id, raw_run_prefix, run_prefix
from schemas.ledger.provenance import RawProvenance
from schemas.ledger.run import PageReceipt
from schemas.tables import TABLES
from schemas.version import CONTRACT_VERSION

SUBJECT = "lake_verification"
DAY = date(2000, 1, 1)
TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.5
GOOD = 2


def records() -> list[dict[str, Any]]:
    """Return works of which the last breaks the contract."""
    good = [
        {"key": f"/works/OL{number}W", "title": f"Verification {number}", "edition_count": 1}
        for number in range(1, GOOD + 1)
    ]
    return [*good, {"key": "/works/OL3W", "title": None, "edition_count": 1}]


def page_body() -> bytes:
    """Return a page as ingest stores it."""
    page = {
        "key": f"/subjects/{SUBJECT}",
        "name": SUBJECT,
        "subject_type": "subject",
        "work_count": GOOD + 1,
        "works": records(),
    }
    return gzip.compress(json.dumps(page).encode(), mtime=0)


@dataclass(frozen=True)
class Probe:
    """A run of this verification.

    Attributes
    ----------
    cloud, bucket
        Where the lake is.
    run_id
        Its id, on a day of its own.
    sleep
        Waits between two looks.
    """

    cloud: Cloud
    bucket: str
    run_id: str
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def new(cls, cloud: Cloud) -> "Probe":
        """Return a run that is named after this moment."""
        moment = datetime.now(UTC).replace(year=DAY.year, month=DAY.month, day=DAY.day)
        return cls(cloud, cloud.parameter("foundation/data-bucket"), new_run_id(moment))

    def page(self, offset: int) -> RawKey:
        """Return the key of a page."""
        return RawKey.of(self.run_id, SUBJECT, offset)

    def put(self, offset: int, body: bytes, *, new: bool = True) -> None:
        """Store a page as ingest does; again over itself if it is not `new`."""
        provenance = RawProvenance(
            url=f"https://verification.invalid/subjects/{SUBJECT}.json",
            fetched_at=datetime.combine(DAY, datetime.min.time(), UTC),
            http_status=200,
            work_count=GOOD + 1,
            sha256=sha256(body).hexdigest(),
            contract_version=CONTRACT_VERSION,
            run_id=self.run_id,
            subject=SUBJECT,
            offset=offset,
            limit=GOOD + 1,
        )
        self.cloud.client("s3").put_object(
            Bucket=self.bucket,
            Key=self.page(offset).key,
            Body=body,
            ContentType="application/json",
            Metadata=provenance.to_metadata(),
            **({"IfNoneMatch": "*"} if new else {}),
        )

    def wait_for(self, key: str) -> bytes:
        """Return an object as soon as it is there.

        Raises
        ------
        ClaimFailedError
            It did not come.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            body = self.read(key)
            if body is not None:
                return body
            self.sleep(POLL_SECONDS)
        raise ClaimFailedError(f"{key} did not come within {TIMEOUT_SECONDS:.0f} s")

    def receipt(self, offset: int) -> PageReceipt:
        """Return what process wrote of a page, as soon as it is there."""
        return PageReceipt.model_validate_json(self.wait_for(self.page(offset).receipt_key))

    def read(self, key: str) -> bytes | None:
        """Return an object, or None."""
        return read_object(self.cloud, self.bucket, key)

    def remove(self, key: str) -> None:
        """Remove an object."""
        self.cloud.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def clean_up(self) -> int:
        """Remove all that the run has left, partitions too; return how many objects."""
        prefixes = [raw_run_prefix(self.run_id), run_prefix(self.run_id)]
        prefixes += [
            f"{day_prefix(table.location, DAY)}{self.run_id}-" for table in TABLES.values()
        ]
        found = [key for prefix in prefixes for key in object_keys(self.cloud, self.bucket, prefix)]
        for key in found:
            self.remove(key)
        self._remove_partitions()
        return len(found)

    def _remove_partitions(self) -> None:
        glue = self.cloud.client("glue")
        database = self.cloud.parameter("foundation/glue-database")
        for table in TABLES.values():
            try:
                glue.delete_partition(
                    DatabaseName=database,
                    TableName=table.catalogue_name,
                    PartitionValues=[str(DAY)],
                )
            except glue.exceptions.EntityNotFoundException:
                continue
