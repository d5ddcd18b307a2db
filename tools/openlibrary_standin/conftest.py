import gzip
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

AGENT = "StandInTests/1.0 (tests@example.org)"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        packed = self.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)


Fetch = Callable[..., Answer]


@pytest.fixture
def fetch() -> Fetch:
    """Make one HTTP request, on a connection of its own."""

    def fetch_once(
        url: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        sent = {"User-Agent": AGENT} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        try:
            connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    return fetch_once
