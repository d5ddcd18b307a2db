"""What importing a contract loads: ingest starts quickly because of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"pyarrow", "pandas", "numpy", "boto3", "botocore", "awswrangler"}


@pytest.mark.parametrize(
    "module",
    [
        "aws_errors",
        "keys",
        "ledger.provenance",
        "ledger.parts",
        "ledger.run",
        "events",
        "settings",
        "version",
        "source.page",
        "tables",
    ],
)
def test_a_contract_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, schemas.{module}; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert HEAVY.isdisjoint(loaded)
