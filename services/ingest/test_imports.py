"""What the function imports, and so ships."""

from __future__ import annotations

import subprocess
import sys

FORBIDDEN = (
    "pandas",
    "pyarrow",
    "numpy",
    "awswrangler",
    "aws_xray_sdk",
    "requests",
    "ingest.testing",
)


def test_function_imports_nothing_heavy() -> None:
    code = "import sys, ingest.handler; print(*sorted(sys.modules))"
    environment = {"PYTHONPATH": ":".join(sys.path), "AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    imported = done.stdout.split()
    assert "ingest.handler" in imported
    assert [name for name in FORBIDDEN if name in imported] == []
