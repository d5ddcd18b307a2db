"""Which runs keep a build from passing, and in how many attempts that is found."""

from __future__ import annotations

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
    ],
)
def test_the_rest_is_built_without_the_culprits(
    runs: str, bad: str, sound: str | None, attempts: int
) -> None:
    assert search(runs, bad) == (sound, bad, attempts)


def test_the_search_ends_when_everything_fails() -> None:
    sound, _, attempts = search("abcdefghijklmnop", "abcdefghijklmnop")

    assert sound is None
    assert attempts == MOST_ATTEMPTS
