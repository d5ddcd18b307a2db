"""Medians of interleaved repeats: what disturbs a shared machine disturbs all candidates alike."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

#: ``ru_maxrss`` is in KiB, on macOS in bytes.
_MAXRSS_UNITS: Final = 1024 if sys.platform == "darwin" else 1
#: Starts a program, and prints its exit code, CPU seconds and ``ru_maxrss``. That counts the memory
#: of whoever started a process as the process's own, so it is to be somebody small.
_STARTER: Final = """
import os, sys
silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silence)
_, status, used = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


@dataclass
class Candidate:
    """Something to measure.

    Attributes
    ----------
    run
        Does the work once.
    prepare
        Is called before each repeat, unmeasured.
    units
        How much work a run does: seconds are given per unit.
    every
        Is measured in every so-many-th repeat only; for slow ones.
    warm
        Whether it runs once unmeasured at each turn, so that what the others left in the
        processor's caches does not count.
    """

    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    units: float = 1
    every: int = 1
    warm: bool = True
    seconds: dict[int, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The median of its CPU seconds per unit."""
        return statistics.median(self.seconds.values())

    def over(self, other: Candidate) -> float:
        """Return the median ratio to another one, turn by turn, for the machine's pace varies."""
        turns = self.seconds.keys() & other.seconds.keys()
        return statistics.median(self.seconds[turn] / other.seconds[turn] for turn in turns)


def measure_cpu(candidates: Mapping[str, Candidate], repeats: int) -> None:
    """Measure each candidate's CPU time (user and system, all threads) per unit.

    Candidates take turns, and each starts with the garbage of the one before it collected.
    """
    for candidate in candidates.values():
        candidate.prepare()
        candidate.run()
    gc.collect()
    # What is loaded by now stays for all: collections of one should not look through all of it.
    gc.freeze()
    for repeat in range(repeats):
        for candidate in candidates.values():
            if repeat % candidate.every == 0:
                _measure(candidate, repeat)
    gc.unfreeze()


def _measure(candidate: Candidate, turn: int) -> None:
    if candidate.warm:
        candidate.prepare()
        candidate.run()
    candidate.prepare()
    gc.collect()
    start = time.process_time()
    candidate.run()
    candidate.seconds[turn] = (time.process_time() - start) / candidate.units


@dataclass(frozen=True)
class Process:
    """A Python process to measure: its arguments, and its environment besides the usual one."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Usage:
    """What a process took: CPU time (s) and peak memory (MiB)."""

    cpu: float
    memory: float


def process_usage(processes: Mapping[str, Process], repeats: int) -> dict[str, Usage]:
    """Return the medians of what processes take, from start to end; they take turns.

    Each runs once unmeasured, so that modules are read and, where that may be, compiled.
    """
    for process in processes.values():
        _usage(process)
    found: dict[str, list[Usage]] = {name: [] for name in processes}
    for _ in range(repeats):
        for name, process in processes.items():
            found[name].append(_usage(process))
    return {
        name: Usage(
            statistics.median(one.cpu for one in usages),
            statistics.median(one.memory for one in usages),
        )
        for name, usages in found.items()
    }


def python_environment() -> dict[str, str]:
    """Return an environment in which a child imports what this process can."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _usage(process: Process) -> Usage:
    environment = python_environment() | dict(process.environment)
    done = subprocess.run(  # this interpreter, with arguments of the benchmark
        [sys.executable, "-I", "-S", "-c", _STARTER, sys.executable, *process.arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    status, cpu, memory = done.stdout.split()
    if int(status):
        raise RuntimeError(f"{process.arguments} ended with {status}")
    return Usage(float(cpu), int(memory) / (1024 * _MAXRSS_UNITS))
