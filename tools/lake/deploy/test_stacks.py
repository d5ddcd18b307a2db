from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.aws import Cloud
from lake.deploy import stacks
from lake.errors import StackFailedError

ADD = {"ResourceChange": {"Action": "Add", "LogicalResourceId": "Queue", "ResourceType": "Q"}}
REPLACE = {
    "ResourceChange": {
        "Action": "Modify",
        "LogicalResourceId": "Role",
        "ResourceType": "R",
        "Replacement": "True",
    }
}


def refusal(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "Operation")


class FakeCloudFormation:
    """One stack; what its change set and its execution come to is given beforehand.

    Parameters
    ----------
    status
        Of the stack; None where there is none.
    change_set
        What describing the change set returns.
    after
        Statuses of the stack once the change set is executed, one for each look at it.
    events
        Events of the execution, oldest first: resource, status, reason.
    """

    def __init__(
        self,
        status: str | None,
        change_set: dict[str, Any],
        after: tuple[str, ...] = (),
        events: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        self.status = status
        self.change_set = change_set
        self.after = list(after)
        self.to_come = events
        self.events = [event(0, "Earlier", "CREATE_FAILED", "long ago")]
        self.created: dict[str, Any] = {}
        self.deleted: list[str] = []

    def describe_stacks(self, **request: str) -> dict[str, Any]:
        if self.status is None:
            raise refusal(f"Stack with id {request['StackName']} does not exist")
        outputs = [{"OutputKey": "Bucket", "OutputValue": "b"}]
        found = {"Stacks": [{"StackStatus": self.status, "Outputs": outputs}]}
        if self.after:
            self.status = self.after.pop(0)
        return found

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.created = request
        return {"Id": "arn:change-set"}

    def describe_change_set(self, **_request: str) -> dict[str, Any]:
        return self.change_set

    def delete_stack(self, **request: str) -> None:
        assert request["StackName"] == "lake"
        self.status = self.after.pop(0)
        self.events += [event(1 + number, *what) for number, what in enumerate(self.to_come)]

    def delete_change_set(self, **request: str) -> None:
        self.deleted.append(request["ChangeSetName"])

    def execute_change_set(self, **request: str) -> None:
        assert request["ChangeSetName"] == "arn:change-set"
        self.status = self.after.pop(0)
        self.events += [event(1 + number, *what) for number, what in enumerate(self.to_come)]

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_stack_events"

        def newest_first(**_request: str) -> Iterator[dict[str, Any]]:
            for found in self.events[::-1]:
                yield {"StackEvents": [found]}

        return SimpleNamespace(paginate=newest_first)


def event(number: int, resource: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "EventId": str(number),
        "LogicalResourceId": resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def cloud(client: Any) -> Cloud:
    return Cloud(endpoint="http://127.0.0.1:1", _clients={"cloudformation": client})


def prepare(client: Any) -> stacks.ChangeSet | None:
    return stacks.prepare(cloud(client), "lake", "template", {"Env": "dev"}, {"app": "lake"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [(None, "CREATE"), ("REVIEW_IN_PROGRESS", "CREATE"), ("UPDATE_ROLLBACK_COMPLETE", "UPDATE")],
)
def test_a_change_set_creates_or_updates(status: str | None, kind: str) -> None:
    client = FakeCloudFormation(status, {"Status": "CREATE_COMPLETE", "Changes": [ADD, REPLACE]})
    found = prepare(client)
    assert found is not None
    assert found.creates_stack == (kind == "CREATE")
    assert [(c.action, c.resource, c.replacement) for c in found.changes] == [
        ("Add", "Queue", False),
        ("Modify", "Role", True),
    ]
    assert client.created["ChangeSetType"] == kind
    assert client.created["Parameters"] == [{"ParameterKey": "Env", "ParameterValue": "dev"}]
    assert client.created["Tags"] == [{"Key": "app", "Value": "lake"}]


@pytest.mark.parametrize("role", [None, "arn:aws:iam::123456789012:role/cloudformation"])
def test_a_change_uses_the_given_role(role: str | None) -> None:
    client = FakeCloudFormation("CREATE_COMPLETE", {"Status": "CREATE_COMPLETE", "Changes": [ADD]})
    stacks.prepare(cloud(client), "lake", "template", {}, {}, role_arn=role)
    assert client.created.get("RoleARN") == role


@pytest.mark.parametrize(
    "change_set",
    [
        {"Status": "CREATE_COMPLETE", "Changes": []},
        {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."},
        {"Status": "FAILED", "StatusReason": "No updates are to be performed."},
    ],
)
def test_nothing_to_change_leaves_nothing_behind(change_set: dict[str, Any]) -> None:
    client = FakeCloudFormation("CREATE_COMPLETE", change_set)
    assert prepare(client) is None
    assert client.deleted == ["arn:change-set"]


def test_a_refused_change_leaves_nothing_behind() -> None:
    failed = {"Status": "FAILED", "StatusReason": "Unresolved dependency [Role]"}
    client = FakeCloudFormation(None, failed, after=("DELETE_COMPLETE",))

    with pytest.raises(StackFailedError):
        prepare(client)

    assert client.deleted == ["arn:change-set"]
    assert client.status == "DELETE_COMPLETE"


def test_a_refused_change_says_why() -> None:
    client = FakeCloudFormation(
        "CREATE_COMPLETE", {"Status": "FAILED", "StatusReason": "Unresolved dependency [Role]"}
    )
    with pytest.raises(StackFailedError, match=r"lake was refused: Unresolved dependency \[Role\]"):
        prepare(client)


def test_a_refused_template_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_request: Any) -> None:
        raise refusal("Parameters: [Env] must have values")

    client = FakeCloudFormation(None, {})
    monkeypatch.setattr(client, "create_change_set", refuse)
    with pytest.raises(StackFailedError, match=r"refused: Parameters: \[Env\] must have values"):
        prepare(client)


def test_a_change_set_that_is_never_ready_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "TIMEOUT_SECONDS", 0.01)
    with pytest.raises(StackFailedError, match="not computed in time") as caught:
        prepare(FakeCloudFormation("CREATE_COMPLETE", {"Status": "CREATE_IN_PROGRESS"}))
    assert caught.value.hint == "Run the same command again: it goes on where it stopped."


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name lake"),
        ("ROLLBACK_FAILED", "delete-stack --stack-name lake"),
        ("CREATE_FAILED", "delete-stack --stack-name lake"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name lake"),
    ],
)
def test_a_stack_that_can_take_no_change_says_what_to_do(status: str, remedy: str) -> None:
    client = FakeCloudFormation(status, {})
    with pytest.raises(StackFailedError, match=f"is {status} and cannot be changed") as caught:
        prepare(client)
    assert remedy in caught.value.hint
    assert client.created == {}


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name lake"),
        ("ROLLBACK_FAILED", "delete-stack --stack-name lake"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name lake"),
        ("UPDATE_ROLLBACK_COMPLETE", "Nothing of this change is left in place"),
    ],
)
def test_a_change_that_failed_says_what_is_left_of_it(status: str, remedy: str) -> None:
    client = FakeCloudFormation("CREATE_COMPLETE", {}, after=(status,))

    with pytest.raises(StackFailedError, match=f"ended as {status}") as caught:
        stacks.execute(cloud(client), stacks.ChangeSet("lake", "arn:change-set", False))

    assert remedy in caught.value.hint


def test_an_execution_reports_its_events_once_and_in_order() -> None:
    client = FakeCloudFormation(
        "UPDATE_COMPLETE",
        {},
        after=("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
        events=(("Queue", "UPDATE_IN_PROGRESS", ""), ("Queue", "UPDATE_COMPLETE", "")),
    )
    lines: list[str] = []
    change_set = stacks.ChangeSet("lake", "arn:change-set", False)
    found = stacks.execute(cloud(client), change_set, lines.append)
    assert found == {"Bucket": "b"}
    assert lines == ["Queue UPDATE_IN_PROGRESS", "Queue UPDATE_COMPLETE"]


def test_a_rollback_names_the_first_failure() -> None:
    client = FakeCloudFormation(
        "REVIEW_IN_PROGRESS",
        {},
        after=("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
        events=(
            ("Role", "CREATE_FAILED", "not authorized"),
            ("Queue", "CREATE_FAILED", "Resource creation cancelled"),
        ),
    )
    change_set = stacks.ChangeSet("lake", "arn:change-set", True)
    with pytest.raises(
        StackFailedError, match="ROLLBACK_COMPLETE. First failure: Role CREATE_FAILED: not auth"
    ):
        stacks.execute(cloud(client), change_set)


def test_a_stack_that_disappears_is_a_failure() -> None:
    client = FakeCloudFormation("CREATE_COMPLETE", {}, after=("DELETE_COMPLETE",))
    with pytest.raises(StackFailedError, match="disappeared") as caught:
        stacks.execute(cloud(client), stacks.ChangeSet("lake", "arn:change-set", False))
    assert "again" in caught.value.hint


def test_a_change_that_takes_too_long_says_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "TIMEOUT_SECONDS", 0.0)
    client = FakeCloudFormation("CREATE_COMPLETE", {}, after=("UPDATE_IN_PROGRESS",) * 9)
    with pytest.raises(StackFailedError, match="is still UPDATE_IN_PROGRESS") as caught:
        stacks.execute(cloud(client), stacks.ChangeSet("lake", "arn:change-set", False))
    assert "wait until that has ended" in caught.value.hint


def test_a_deletion_waits_and_reports_its_events() -> None:
    client = FakeCloudFormation(
        "CREATE_COMPLETE",
        {},
        after=("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
        events=(("Queue", "DELETE_COMPLETE", ""),),
    )
    lines: list[str] = []

    stacks.delete(cloud(client), "lake", "arn:lake", lines.append)

    assert lines == ["Queue DELETE_COMPLETE"]


def test_a_deletion_that_fails_names_the_first_resource() -> None:
    client = FakeCloudFormation(
        "CREATE_COMPLETE",
        {},
        after=("DELETE_IN_PROGRESS", "DELETE_FAILED"),
        events=(
            ("Role", "DELETE_FAILED", "it has a policy"),
            ("Queue", "DELETE_FAILED", "cancelled"),
        ),
    )

    with pytest.raises(StackFailedError, match="Role DELETE_FAILED: it has a policy") as caught:
        stacks.delete(cloud(client), "lake", "arn:lake")

    assert "repeat" in caught.value.hint
