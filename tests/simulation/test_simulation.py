"""Nothing is lost in any history that a seed makes; and the simulation can fail."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.simulation.__main__ import main
from tests.simulation.defects import DEFECTS
from tests.simulation.history import Report, run_history

SEEDS = 300
#: Seeds that found a defect in the product once; these are never left out for want of time.
REGRESSIONS = (296,)
SECONDS = 60.0


def test_every_history_ends_with_nothing_lost_and_nothing_doubled() -> None:
    ends = time.monotonic() + SECONDS
    for seed in range(SEEDS):
        assert_nothing_is_lost(seed)
        if time.monotonic() > ends:
            break


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_a_seed_that_found_a_defect_finds_none_any_more(seed: int) -> None:
    assert_nothing_is_lost(seed)


def assert_nothing_is_lost(seed: int) -> None:
    report = run_history(seed)
    assert not report.problems, (
        f"replay: ./pants run tests/simulation/__main__.py -- --seed {seed}\n"
        f"{report.problems}\n{report.shortened()}"
    )


def test_a_seed_gives_the_same_history_again() -> None:
    first, second = run_history(7), run_history(7)

    assert len(first.events) > 300
    assert first.events == second.events


def test_a_seed_gives_the_same_history_in_another_process() -> None:
    """GIVEN processes that order sets in their own ways WHEN each runs a seed THEN both agree."""
    code = "from tests.simulation.history import run_history; print(run_history(26).events)"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": order},
            capture_output=True,
            check=True,
        ).stdout
        for order in ("1", "3")
    }

    assert len(found) == 1


def test_histories_inject_every_kind_of_fault() -> None:
    found = {fault for seed in range(12) for fault in run_history(seed).faults}

    kinds = {"fail_before", "kill_after", "kill_before", "lost_answer", "pause", "repeated"}
    assert found >= kinds | {"source_cut", "source_lie", "throttled"}


def histories_with(defect: str) -> Iterator[Report]:
    inject, most = DEFECTS[defect]
    for seed in range(most):
        with inject():
            yield run_history(seed)


@pytest.mark.parametrize("defect", DEFECTS)
def test_an_injected_defect_is_found_within_its_seeds(defect: str) -> None:
    assert any(report.problems for report in histories_with(defect))


def test_a_failing_seed_says_how_to_replay_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "2", "--defect", "receipt_comes_before_the_rows"]) == 1

    shown = capsys.readouterr().out
    replay = (
        "./pants run tests/simulation/__main__.py --"
        " --seed 2 --defect receipt_comes_before_the_rows"
    )
    assert replay in shown
    assert "was there before processed_data/works/" in shown
