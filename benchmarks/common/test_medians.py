"""What a process is said to take is what it takes, whoever measures it."""

from __future__ import annotations

import sys

import pytest

from benchmarks.common.medians import Process, process_usage

MANY: int = 300 << 20


def test_memory_of_the_one_who_measures_does_not_count() -> None:
    """GIVEN a large process WHEN it measures a small one THEN the small one is small."""
    held = b"x" * MANY

    found = process_usage({"small": Process(["-c", "pass"])}, 1)["small"]

    assert len(held) == MANY
    assert 1 < found.memory < 150


def test_memory_and_time_of_a_process_count() -> None:
    program = f"held = b'x' * {MANY}; sum(range(3_000_000))"

    found = process_usage({"large": Process(["-c", program]), "idle": Process(["-c", ""])}, 1)

    assert 300 < found["large"].memory < 450
    assert found["large"].cpu > found["idle"].cpu


def test_a_process_gets_its_environment_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    program = "import os, sys; print('noise'); sys.exit(os.environ['NAMED'] != 'value')"

    process_usage({"one": Process(["-c", program], {"NAMED": "value"})}, 1)

    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "import os; os.abort()"])
def test_a_process_that_fails_is_an_error(end: str) -> None:
    with pytest.raises(RuntimeError, match="ended with (3|-6)"):
        process_usage({"one": Process(["-c", end])}, 1)


def test_a_process_is_this_interpreter() -> None:
    same = f"import sys; sys.exit(sys.executable != {sys.executable!r})"

    assert process_usage({"one": Process(["-c", same])}, 1)
