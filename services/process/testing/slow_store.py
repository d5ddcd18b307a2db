"""A bucket whose calls take time, on a clock of its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from process.adapters.s3_store import READERS
from process.ports import StoredObject
from process.testing.fakes import etag_of

#: What S3 takes for a call, on the slow side (seconds).
GET_SECONDS, PUT_SECONDS, LIST_SECONDS = 0.04, 0.08, 0.2
LISTED_AT_ONCE = 1000


@dataclass
class SlowStore:
    """A large bucket in memory.

    Attributes
    ----------
    seconds
        What the calls took so far.
    calls
        How many there were of each kind, as S3 counts them.
    """

    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def fill(self, objects: dict[str, bytes]) -> None:
        """Store many objects at no cost."""
        for key, body in objects.items():
            self._store(key, body)
        self.names = sorted(self.objects)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        self._spend("GET", GET_SECONDS)
        return self.objects.get(key)

    def get_many(self, keys: Sequence[str]) -> list[StoredObject | None]:
        self.calls["GET"] += len(keys)
        self.seconds += -(-len(keys) // READERS) * GET_SECONDS
        return [self.objects.get(key) for key in keys]

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self._spend("PUT", PUT_SECONDS)
        if key not in self.objects:
            insort(self.names, key)
        self._store(key, body)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        return self.replace(key, body, content_type, None)

    def replace(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        found = self.objects.get(key)
        if (found.etag if found else None) != etag:
            self._spend("PUT", PUT_SECONDS)
            return False
        self.put(key, body, content_type)
        return True

    def list_etags(self, prefix: str, after: str = "", last: str | None = None) -> dict[str, str]:
        first = (bisect_right if after else bisect_left)(self.names, prefix + after)
        end = bisect_left(self.names, prefix + "\x7f")
        if last is not None:
            end = min(end, bisect_right(self.names, prefix + last))
        for _ in range(max(1, -(-(end - first) // LISTED_AT_ONCE))):
            self._spend("LIST", LIST_SECONDS)
        return {key: self.objects[key].etag for key in self.names[first:end]}

    def _store(self, key: str, body: bytes) -> None:
        self.objects[key] = StoredObject(body, {}, len(body), etag_of(body))

    def _spend(self, kind: str, seconds: float) -> None:
        self.calls[kind] += 1
        self.seconds += seconds
