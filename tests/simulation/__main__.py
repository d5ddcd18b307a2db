"""Run histories by seed: ``./pants run tests/simulation/__main__.py -- --seeds 1000``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from contextlib import nullcontext

from tests.simulation.defects import DEFECTS
from tests.simulation.history import run_history

_MOST_SHOWN = 5


def main(arguments: list[str]) -> int:
    """Run the histories that the arguments name; return 1 when an invariant does not hold."""
    options = _options(arguments)
    defect = DEFECTS[options.defect][0] if options.defect else nullcontext
    faults: Counter[str] = Counter()
    failed, calls, started = 0, 0, time.monotonic()
    for seed in range(options.first, options.first + options.seeds):
        with defect():
            report = run_history(seed)
        faults += report.faults
        calls += report.calls
        if report.problems:
            failed += 1
            print(f"seed {seed}:", *report.problems[:_MOST_SHOWN], sep="\n  ")
            chosen = f" --defect {options.defect}" if options.defect else ""
            print(f"  replay: ./pants run tests/simulation/__main__.py -- --seed {seed}{chosen}")
            if options.seeds == 1:
                print(report.shortened())
    rate = options.seeds / (time.monotonic() - started)
    print(f"{options.seeds} histories, {calls} calls, {rate:.1f} a second, {failed} failed")
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many histories")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one")
    parser.add_argument("--seed", type=int, help="only this one, with its shortened history")
    parser.add_argument("--defect", choices=sorted(DEFECTS), help="inject a defect")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        options.first, options.seeds = options.seed, 1
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
