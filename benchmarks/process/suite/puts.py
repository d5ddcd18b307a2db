"""A PUT of a page's file, and the same without what botocore does beside sending it."""

from __future__ import annotations

from typing import Final

from botocore.config import Config

from benchmarks.process.suite.aws import BUCKET
from process.adapters.s3_store import S3Store
from process.adapters.sessions import MemoisingSession

#: As botocore does it otherwise: checksummed, signed over the whole body, parameters validated.
WITHOUT: Final = {
    "nothing left out": Config(),
    "no checksum": Config(request_checksum_calculation="when_required"),
    "body not signed": Config(s3={"payload_signing_enabled": False}),
    "parameters not validated": Config(parameter_validation=False),
}
REPEATED: Final = 20


class Put:
    """PUTs of one body by the service's own client, with a further setting."""

    def __init__(self, body: bytes, config: Config) -> None:
        client = MemoisingSession().client("s3", config=config)
        self._store, self._body = S3Store(client, BUCKET), body

    def __call__(self) -> None:
        """Write the object some times."""
        for _ in range(REPEATED):
            self._store.put("puts/page.parquet", self._body, "application/octet-stream")
