"""What a container costs: the imports, the memory of a page, the unpacked package."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import boto3

from benchmarks.common.medians import Process, process_usage
from benchmarks.common.results import Report
from benchmarks.process.suite.aws import BUCKET
from benchmarks.process.suite.pages import RawPage

MB: Final = 1e6
PACKAGES: Final = Path("dist/services/process")
_RUNTIME_HAS: Final = ("boto3", "botocore", "s3transfer", "jmespath")
# Only what a Lambda imports may be imported here.
_PAGE: Final = """
import json, os, sys
from types import SimpleNamespace
from process.handler import handler
detail = {"bucket": {"name": os.environ["DATA_BUCKET"]}, "object": {"key": sys.argv[1]}}
event = {"Records": [{"messageId": "1", "body": json.dumps({"detail": detail})}]}
context = dict(function_name="", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="")
context["get_remaining_time_in_millis"] = lambda: 300_000
if handler(event, SimpleNamespace(**context)) != {"batchItemFailures": []}:
    sys.exit("the page was not processed")
"""


def measure_imports(report: Report, repeats: int) -> None:
    """Measure what the handler's import takes, in processes of their own."""
    with _compiled() as environment:
        used = process_usage(
            {
                "python": Process(["-c", ""], environment),
                "awswrangler": Process(["-c", "import awswrangler"], environment),
                "process": Process(["-c", "import process.handler"], environment),
            },
            repeats,
        )
    report.at_most(
        "cold import of process over import awswrangler",
        used["process"].cpu / used["awswrangler"].cpu,
        "x",
        1.5,
    )
    for name, usage in used.items():
        report.detail(f"cold start, {name}", 1000 * usage.cpu, "ms CPU")


def measure_memory(report: Report, page: RawPage, repeats: int) -> None:
    """Measure the peak memory of a container that processed one page."""
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key=page.key.key, Body=page.body, Metadata=page.metadata
    )
    with _compiled() as environment:
        used = process_usage(
            {
                "import awswrangler": Process(["-c", "import awswrangler"], environment),
                "one page of 1000 works": Process(["-c", _PAGE, page.key.key], environment),
            },
            repeats,
        )
    bare, full = used.values()
    report.at_most(
        "memory of process, a page of 1000 works, over import awswrangler",
        full.memory / bare.memory,
        "x",
        1.4,
    )
    for name, usage in used.items():
        report.detail(f"peak memory, {name}", usage.memory, "MiB")


def measure_package(report: Report, repeats: int) -> None:
    """Measure the unpacked package, and its import with and without the bytecode in it."""
    found = sorted(PACKAGES.glob("process-*.zip"))
    if not found:
        report.skip(f"package size and shipped bytecode: no package in {PACKAGES}")
        return
    with zipfile.ZipFile(found[-1]) as package:
        size = sum(item.file_size for item in package.infolist())
    report.at_most("unpacked package of process", size / MB, "MB", 220)
    with _unpacked(found[-1]) as (shipped, stripped):
        arguments = ["-S", "-B", "-c", "import process.handler"]
        used = process_usage(
            {
                name: Process(arguments, {"PYTHONPATH": path})
                for name, path in (("with", shipped), ("without", stripped))
            },
            repeats,
        )
    report.at_most(
        "import with the shipped bytecode over without",
        used["with"].cpu / used["without"].cpu,
        "x",
        0.45,
    )
    report.detail("import of the package with its bytecode", 1000 * used["with"].cpu, "ms CPU")
    report.detail("import of the package without", 1000 * used["without"].cpu, "ms CPU")


@contextmanager
def _compiled() -> Iterator[dict[str, str]]:
    # Whether the installed modules are compiled already is a matter of who installed them.
    with TemporaryDirectory() as name:
        yield {"PYTHONPYCACHEPREFIX": name, "PYTHONDONTWRITEBYTECODE": ""}


@contextmanager
def _unpacked(package: Path) -> Iterator[tuple[str, str]]:
    with TemporaryDirectory() as name:
        shipped, stripped, runtime = (Path(name) / part for part in ("with", "without", "runtime"))
        with zipfile.ZipFile(package) as content:
            content.extractall(shipped)  # our own package
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(shipped, stripped, ignore=without, copy_function=_link)
        _link_runtime(runtime)
        yield f"{shipped}:{runtime}", f"{stripped}:{runtime}"


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _link_runtime(folder: Path) -> None:
    # The runtime's own modules, compiled in both cases as they are in Lambda.
    folder.mkdir()
    for name in _RUNTIME_HAS:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name} is not installed")
        (folder / name).symlink_to(Path(spec.origin).parent)
