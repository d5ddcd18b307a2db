"""Runs the job and its peer in processes of their own, and watches their time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import psutil

from benchmarks.common.medians import python_environment
from glue_etl.testing.lake import Lake

_PERIOD: Final = 0.25


@dataclass
class Watched:
    """A job that is done.

    Attributes
    ----------
    wall
        Seconds on the clock, from start to end of the process.
    cpu
        Seconds of CPU of it and of its Spark.
    memory
        Their largest resident memory together (MiB), looked at four times a second.
    result
        What the job printed.
    """

    wall: float = 0
    cpu: float = 0
    memory: float = 0
    result: dict[str, Any] = field(default_factory=dict)


def run_job(lake: Lake, **arguments: object) -> Watched:
    """Run the job on a lake."""
    return _run("glue_etl.job", *lake.arguments(**arguments))


def run_bulk(lake: Lake, **arguments: object) -> Watched:
    """Load a dump into a lake."""
    places = {name: getattr(lake, name) for name in ("processed", "runs")}
    values = {**places, "quarantine": f"file://{lake.root}/quarantine/", **arguments}
    words = [(f"--{name.replace('_', '-')}", str(value)) for name, value in values.items()]
    return _run("glue_etl.bulk", *(part for word in words for part in word))


def run_peer(lake: Lake, memory_mib: int) -> Watched:
    """Let DuckDB make the same tables within so much memory."""
    return _run("benchmarks.glue_etl.suite.duckdb_peer", str(lake.root), str(memory_mib))


def _run(module: str, *arguments: str) -> Watched:
    watched = Watched()
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(  # this project's own module
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=python_environment(),
        ) as process,
    ):
        watcher = threading.Thread(target=_watch, args=(process.pid, watched), daemon=True)
        watcher.start()
        printed, _ = process.communicate()
        watched.wall = time.perf_counter() - started
        watcher.join()
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"{module} failed:\n{log.read()[-4000:]}")
    watched.result = json.loads(printed.splitlines()[-1])
    return watched


def _watch(pid: int, watched: Watched) -> None:
    try:
        root = psutil.Process(pid)
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            _look(root, watched)
            time.sleep(_PERIOD)
    except psutil.NoSuchProcess:
        return


def _look(root: psutil.Process, watched: Watched) -> None:
    memory, cpu = 0, 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            memory += process.memory_info().rss
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        cpu += times.user + times.system
    watched.memory = max(watched.memory, memory / 2**20)
    watched.cpu = max(watched.cpu, cpu)
