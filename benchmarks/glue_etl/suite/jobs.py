"""Runs the job in a process of its own, and watches its time and its memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.common.medians import python_environment
from glue_etl.testing.lake import Lake

_PERIOD: float = 0.5


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
        Their largest resident memory together (MiB), looked at every half second.
    result
        What the job printed.
    """

    wall: float = 0
    cpu: float = 0
    memory: float = 0
    result: dict[str, Any] = field(default_factory=dict)


def run_job(lake: Lake, **arguments: object) -> Watched:
    """Run the job on a lake."""
    command = [sys.executable, "-m", "glue_etl.job", *lake.arguments(**arguments)]
    watched = Watched()
    started = time.perf_counter()
    with subprocess.Popen(  # this project's own module
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=python_environment(),
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, watched), daemon=True)
        watcher.start()
        printed, _ = process.communicate()
    watched.wall = time.perf_counter() - started
    watcher.join()
    watched.result = json.loads(printed.splitlines()[-1])
    if process.returncode:
        raise RuntimeError(f"the job failed: {watched.result.get('message')}")
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
