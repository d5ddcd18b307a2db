"""The codes of AWS's refusals: one is of one kind, and no answer is too odd to have one."""

from __future__ import annotations

from itertools import combinations

import pytest

from schemas.aws_errors import ABSENT, CHANGED, UNDER_WAY, error_code


@pytest.mark.parametrize(
    ("response", "code"),
    [({"Error": {"Code": "NoSuchKey"}}, "NoSuchKey"), ({"Error": {}}, ""), ({}, "")],
)
def test_an_answer_has_a_code(response: dict[str, dict[str, str]], code: str) -> None:
    assert error_code(response) == code


def test_a_code_means_one_thing() -> None:
    kinds = (ABSENT, CHANGED, UNDER_WAY)

    assert all(one.isdisjoint(other) for one, other in combinations(kinds, 2))
