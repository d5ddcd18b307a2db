"""What a cold start costs: the package as it is deployed, beside an S3 client alone."""

from __future__ import annotations

import compileall
import py_compile
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.common.medians import Process, process_usage
from benchmarks.common.results import Report

PACKAGES: Final = Path("dist/services/ingest")
_LIMIT_MB: Final = 20
# What the Lambda runtime has: compiled in every case, as it is there.
_RUNTIME_HAS: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_S3_CLIENT: Final = "import boto3; boto3.client('s3')"
_RUNTIME_PART: Final = "import botocore.session, botocore.client, urllib3"
_HANDLER: Final = "import lambda_function"
_WITH_CLIENT: Final = (
    "import lambda_function; from ingest.adapters.s3_store import s3_client; s3_client(14)"
)
_ENVIRONMENT: Final = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
}


def measure_starts(report: Report, repeats: int) -> None:
    """Measure the start of a container up to its S3 client, in processes that take turns."""
    found = sorted(PACKAGES.glob("ingest-*.zip"))
    if not found:
        report.skip(f"package and cold start: no package in {PACKAGES}; run ./pants package ::")
        return
    with zipfile.ZipFile(found[-1]) as package:
        size = sum(item.file_size for item in package.infolist())
    report.at_most("unpacked package of ingest", size / 1e6, "MB", _LIMIT_MB)
    with _unpacked(found[-1]) as (runtime, shipped, stripped):
        processes = {
            "what the handler imports of the runtime": _process(_RUNTIME_PART, runtime),
            "an S3 client of boto3": _process(_S3_CLIENT, runtime),
            "ingest and its S3 client": _process(_WITH_CLIENT, shipped),
            "ingest and its S3 client, without bytecode": _process(_WITH_CLIENT, stripped),
            "ingest's handler": _process(_HANDLER, shipped),
            "ingest's handler, without bytecode": _process(_HANDLER, stripped),
        }
        used = {name: usage.cpu for name, usage in process_usage(processes, repeats).items()}
    base, peer, ours, slow, handler, slow_handler = used.values()
    name = "cold start of ingest over an S3 client of boto3"
    report.at_most(name, ours / peer, "x", 1.4)
    # What the runtime brings is compiled there, with or without the package's bytecode.
    name = "cold import of the package with shipped bytecode over without"
    report.at_most(name, (handler - base) / (slow_handler - base), "x", 0.45)
    report.detail("the same, with what it imports of the runtime", handler / slow_handler, "x")
    report.detail("the same, up to the S3 client", ours / slow, "x")
    for name, seconds in used.items():
        report.detail(f"cold start, {name}", 1000 * seconds, "ms CPU")


def _process(code: str, path: str) -> Process:
    return Process(["-S", "-B", "-c", code], {"PYTHONPATH": path} | _ENVIRONMENT)


@contextmanager
def _unpacked(package: Path) -> Iterator[tuple[str, str, str]]:
    with TemporaryDirectory() as name:
        shipped, stripped, runtime = (Path(name) / part for part in ("with", "without", "runtime"))
        with zipfile.ZipFile(package) as content:
            content.extractall(shipped)  # our own package
        shutil.copytree(shipped, stripped, ignore=shutil.ignore_patterns("__pycache__"))
        _copy_runtime(runtime)
        yield str(runtime), f"{shipped}:{runtime}", f"{stripped}:{runtime}"


def _copy_runtime(folder: Path) -> None:
    folder.mkdir()
    for name in _RUNTIME_HAS:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name} is not installed")
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, folder / name)
        else:
            shutil.copy(origin, folder)
    never_stale = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(folder, quiet=2, force=True, invalidation_mode=never_stale)
