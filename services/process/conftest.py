"""Fixtures: a lake in memory, an emulated AWS, and captured samples."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from process.records import Lineage
from process.testing.fakes import Lake, MemoryStore, MemoryTableStore
from process.testing.pages import FETCHED, RUN
from schemas.keys import RawKey
from schemas.testing.samples import captured_samples

# Powertools reads these when process.observability is imported, which no module above does.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "openlake")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "process")


@pytest.fixture
def lake() -> Lake:
    store = MemoryStore()
    return Lake(store, MemoryTableStore(store))


@pytest.fixture
def lineage() -> Lineage:
    return Lineage(RawKey.of(RUN, "love", 0), FETCHED)


@pytest.fixture(scope="session")
def samples() -> Path:
    return captured_samples()


@pytest.fixture
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from moto import mock_aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield
