"""The deployment role trusts the workflows of one environment of one repository, and no other."""

import pytest

from infra.rules.policy import Request, applies
from infra.rules.stacks import ACCOUNT, Stack
from infra.rules.template import load

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = {"GitHubRepository": "octo-org/lake"}
IDS = {"GitHubOwnerId": "123", "GitHubRepositoryId": "456"}


def trusts(parameters: dict[str, str], subject: str, audience: str = "sts.amazonaws.com") -> bool:
    """Return whether the role trusts a token of GitHub."""
    stack = Stack(load("bootstrap"), {**REPOSITORY, **parameters})
    properties = stack.resolve(stack.by_name["DeployRole"].properties)
    (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}
    context = {f"{ISSUER}:aud": audience, f"{ISSUER}:sub": subject}
    return applies(statement, Request("sts:AssumeRoleWithWebIdentity", context=context))


# Repositories since July 2026 send the second form; an owner may ask for it for older ones.
# https://docs.github.com/actions/concepts/security/openid-connect
OWN = ["repo:octo-org/lake:environment:dev", "repo:octo-org@123/lake@456:environment:dev"]
OTHERS = [
    "repo:octo-org/lake:environment:prod",
    "repo:octo-org@123/lake@456:environment:prod",
    "repo:octo-org/lake:ref:refs/heads/main",
    "repo:octo-org@123/lake@456:pull_request",
    "repo:octo-org/other:environment:dev",
    "repo:octo-org@123/other@789:environment:dev",
    "repo:octo-org@123/lakes@456:environment:dev",
    # A fork has another owner.
    "repo:forker/lake:environment:dev",
    "repo:forker@9/lake@456:environment:dev",
    "repo:forker@9/octo-org@123/lake@456:environment:dev",
    # GitHub escapes a colon in the name of an environment; what follows is that of another.
    "repo:octo-org@123/other@789:environment:x/lake@456%3Aenvironment%3Adev",
]


@pytest.mark.parametrize("parameters", [{}, IDS], ids=["by name", "by id"])
@pytest.mark.parametrize("subject", OWN)
def test_both_forms_of_the_subject_are_trusted(parameters: dict[str, str], subject: str) -> None:
    assert trusts(parameters, subject)


@pytest.mark.parametrize("parameters", [{}, IDS], ids=["by name", "by id"])
@pytest.mark.parametrize("subject", OTHERS)
def test_no_other_workflow_is_trusted(parameters: dict[str, str], subject: str) -> None:
    assert not trusts(parameters, subject)


@pytest.mark.parametrize("subject", OWN)
def test_a_token_for_another_audience_is_not_trusted(subject: str) -> None:
    assert not trusts({}, subject, audience="https://github.com/octo-org")


@pytest.mark.parametrize(
    "subject",
    [
        "repo:octo-org@999/lake@456:environment:dev",
        "repo:octo-org@123/lake@999:environment:dev",
    ],
)
def test_with_ids_a_repository_that_took_over_the_name_is_not_trusted(subject: str) -> None:
    """GIVEN the ids WHEN owner or repository is deleted and made anew THEN it is a stranger."""
    assert trusts({}, subject)
    assert not trusts(IDS, subject)


@pytest.mark.parametrize("given", [{"GitHubOwnerId": "123"}, {"GitHubRepositoryId": "456"}])
def test_one_id_needs_the_other(given: dict[str, str]) -> None:
    stack = Stack(load("bootstrap"), {**REPOSITORY, **given})

    (rule,) = load("bootstrap").body["Rules"].values()

    assert not all(stack.resolve(item["Assert"]) for item in rule["Assertions"])
