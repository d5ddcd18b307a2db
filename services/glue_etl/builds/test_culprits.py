"""Which runs keep a build from passing, and in how many attempts that is found."""

from __future__ import annotations

from itertools import combinations

import pytest

from glue_etl.builds.culprits import MOST_ATTEMPTS, find_culprits


def search(runs: str, bad: str) -> tuple[str | None, str, int]:
    """Return the runs of the last sound build, the culprits, and the attempts."""
    attempts = []

    def attempt(chosen: tuple[str, ...]) -> str:
        attempts.append(chosen)
        return "".join(chosen)

    found = find_culprits(runs, attempt, lambda built: not set(bad).isdisjoint(built))
    return found.sound, "".join(found.culprits), len(attempts)


@pytest.mark.parametrize(
    ("runs", "bad", "sound", "attempts"),
    [
        ("ab", "a", "b", 2),
        ("ab", "b", "a", 2),
        ("abcd", "a", "bcd", 3),
        ("abcdefgh", "e", "abcdfgh", 5),
        ("abcd", "ad", "bc", 7),
        ("ab", "ab", None, 2),
        ("abcdefghijklmnop", "ab", "cdefghijklmnop", 9),
    ],
)
def test_the_rest_is_built_without_the_culprits(
    runs: str, bad: str, sound: str | None, attempts: int
) -> None:
    assert search(runs, bad) == (sound, bad, attempts)


def test_the_search_ends_when_everything_fails() -> None:
    sound, culprits, attempts = search("abcdefghijklmnop", "abcdefghijklmnop")

    assert (sound, culprits) == (None, "ab")
    assert attempts == MOST_ATTEMPTS + 1


@pytest.mark.parametrize("many", [2, 3, 4])
def test_few_culprits_hold_up_the_others_for_few_jobs_only(many: int) -> None:
    """WHEN every job leaves out what the ones before it have found THEN all the others come in."""
    for count in range(many + 1, 14):
        runs = "abcdefghijklmnop"[:count]
        for bad in combinations(runs, many):
            left, jobs = runs, 0
            while not set(bad).isdisjoint(left):
                sound, culprits, _ = search(left, "".join(bad))
                assert culprits, "each job finds one at least"
                left = sound or "".join(run for run in left if run not in culprits)
                jobs += 1
            assert jobs < many + 1
