"""Run histories by seed: ``./pants run tests/simulation/__main__.py -- --seeds 1000``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from tests.simulation.defects import DEFECTS, run_history_with
from tests.simulation.history import Report

_MOST_SHOWN = 5
#: Histories between two lines of progress.
_PROGRESS = 1000


def main(arguments: list[str]) -> int:
    """Run the histories that the arguments name; return 1 when an invariant does not hold."""
    options = _options(arguments)
    faults: Counter[str] = Counter()
    failed, calls, started = 0, 0, time.monotonic()
    for done, report in enumerate(_reports(options), 1):
        faults += report.faults
        calls += report.calls
        if report.problems:
            failed += 1
            _show(report, options)
        if done % _PROGRESS == 0:
            rate = done / (time.monotonic() - started)
            print(f"{done} histories, {rate:.1f} a second, {failed} failed", file=sys.stderr)
    rate = options.seeds / (time.monotonic() - started)
    print(f"{options.seeds} histories, {calls} calls, {rate:.1f} a second, {failed} failed")
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    return 1 if failed else 0


def _reports(options: argparse.Namespace) -> Iterator[Report]:
    run = partial(run_history_with, options.defect)
    seeds = range(options.first, options.first + options.seeds)
    if options.jobs == 1:
        yield from map(run, seeds)
        return
    # Fresh processes, because a history runs in threads and those do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        yield from pool.imap(run, seeds, chunksize=10)


def _show(report: Report, options: argparse.Namespace) -> None:
    print(f"seed {report.seed}:", *report.problems[:_MOST_SHOWN], sep="\n  ")
    chosen = f" --defect {options.defect}" if options.defect else ""
    print(f"  replay: ./pants run tests/simulation/__main__.py -- --seed {report.seed}{chosen}")
    if options.seeds == 1:
        print(report.shortened())


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many histories")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one")
    parser.add_argument("--seed", type=int, help="only this one, with its shortened history")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once, each on a core")
    parser.add_argument("--defect", choices=sorted(DEFECTS), help="inject a defect")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        options.first, options.seeds = options.seed, 1
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
