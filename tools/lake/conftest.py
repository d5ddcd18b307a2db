"""Fixtures for the tests of the command line."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.testing.fake_lake import DAYS, JSON_LINES, PARQUET, QUARANTINE, WORKS, Lake, works_of


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.glue.add("works", WORKS, PARQUET, DAYS)
    lake.glue.add("empty", WORKS, PARQUET, ("2026-11-25",))
    lake.glue.add("quarantine", QUARANTINE, JSON_LINES, DAYS)
    lake.glue.add("subjects", {"name": "string"}, PARQUET, ())
    lake.glue.add("other", {"a": "string"}, "org.apache.hadoop.hive.serde2.OpenCSVSerde", ())
    pq.write_table(pa.table({"name": ["love"]}), lake.path("subjects/part.parquet"))
    for day in (*DAYS, "2026-12-31"):
        pq.write_table(works_of(day), lake.path(f"works/ingest_date={day}/page.parquet"))
        record = f'{{"reason_code": "{day}T00:00:00Z", "payload": "{{\\"key\\": 7}}", "more": [1]}}'
        path = lake.path(f"quarantine/ingest_date={day}/page.jsonl.gz")
        path.write_bytes(gzip.compress(f"{record}\n".encode()))
    # What process leaves of a quarantine whose records a replay brought to the tables.
    lake.path(f"quarantine/ingest_date={DAYS[0]}/emptied.jsonl.gz").write_bytes(gzip.compress(b""))
    lake.path("works/ingest_date=2026-11-23/_SUCCESS").write_text("not data")
    lake.path("works/ingest_date=2026-11-23/marker").touch()
    return lake


@pytest.fixture(autouse=True)
def _no_aws_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's settings of AWS, and ask no metadata service for others."""
    names = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID")
    for name in (*names, "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
