"""The codes of AWS's refusals: one is of one kind, and no answer is too odd to have one."""

from __future__ import annotations

from itertools import combinations

import pytest

from schemas.aws_errors import ABSENT, CHANGED, DENIED, UNDER_WAY, error_code, is_denied


@pytest.mark.parametrize(
    ("response", "code"),
    [({"Error": {"Code": "NoSuchKey"}}, "NoSuchKey"), ({"Error": {}}, ""), ({}, "")],
)
def test_an_answer_has_a_code(response: dict[str, dict[str, str]], code: str) -> None:
    assert error_code(response) == code


def test_a_code_means_one_thing() -> None:
    kinds = (ABSENT, CHANGED, DENIED, UNDER_WAY)

    assert all(one.isdisjoint(other) for one, other in combinations(kinds, 2))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDenied", True),
        ("AccessDeniedException", True),
        ("AllAccessDisabled", True),
        # What HEAD answers with, which has no body.
        ("403", True),
        ("SlowDown", False),
        ("503", False),
        ("ExpiredToken", False),
        ("RequestTimeTooSkewed", False),
        ("404", False),
    ],
)
def test_a_right_that_is_missing_is_told_from_what_passes(code: str, expected: bool) -> None:
    assert is_denied({"Error": {"Code": code}}) is expected
