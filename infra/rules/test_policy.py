"""Policies are evaluated as IAM evaluates them."""

from typing import Any

import pytest

from infra.rules.policy import Request, allowed, arn_matches, met

ALLOW = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/a/*"}
DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/a/secret"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request("s3:GetObject", "arn:aws:s3:::b/a/x"), True),
        (Request("s3:getobject", "arn:aws:s3:::b/a/x"), True),
        (Request("s3:PutObject", "arn:aws:s3:::b/a/x"), False),
        (Request("s3:GetObject", "arn:aws:s3:::b/c"), False),
        (Request("s3:GetObject", "arn:aws:s3:::b/a/secret"), False),
        (Request("s3:GetObject"), False),
    ],
)
def test_an_allow_holds_unless_something_denies(request_: Request, expected: bool) -> None:
    assert allowed([ALLOW, DENY], request_) is expected


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:sqs:*:1:q", "arn:aws:sqs:eu:1:q", True),
        ("arn:aws:sqs:*", "arn:aws:sqs:eu:1:q", False),
        ("arn:aws:logs:eu:1:log-group:a-*", "arn:aws:logs:eu:1:log-group:a-b:*", True),
        ("arn:aws:s3:::a[b]", "arn:aws:s3:::ab", False),
    ],
)
def test_a_wildcard_stays_within_its_part_of_an_arn(
    pattern: str, value: str, expected: bool
) -> None:
    assert arn_matches(pattern, value) is expected


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
        ({"StringLike": {"k": "a*"}}, {"k": "ab"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"t": True}}, {"k": "a", "t": "false"}, False),
        ({}, {}, True),
    ],
)
def test_a_condition_is_met_by_all_keys_with_one_value_each(
    condition: dict[str, Any], context: dict[str, str], expected: bool
) -> None:
    assert met(condition, context) is expected


def test_an_operator_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError, match="NumericLessThan"):
        met({"NumericLessThan": {"k": "1"}}, {"k": "0"})
