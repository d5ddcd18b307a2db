"""What goes, what stays, and in which order; on moto's CloudFormation."""

import io
from typing import Any

import pytest
import typer
from rich.console import Console

from lake.aws import Cloud
from lake.deploy import stacks
from lake.deploy.destroy import removal
from lake.deploy.destroy.command import Destroyed, DestroyRequest, destroy
from lake.deploy.destroy.plan import plan_destruction
from lake.errors import DeployError


def run(cloud: Cloud, **options: bool) -> tuple[Destroyed, str]:
    """Destroy, and return the outcome and what was printed."""
    console = Console(file=io.StringIO(), width=200)
    done = destroy(cloud, DestroyRequest(**{"confirm": False, **options}), console)
    assert isinstance(console.file, io.StringIO)
    return done, console.file.getvalue()


def live(cloud: Cloud) -> set[str]:
    """Return the stacks that there are."""
    found = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"].removeprefix("openlake-local-") for stack in found}


def buckets(cloud: Cloud) -> list[str]:
    return [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]


def log_groups(cloud: Cloud) -> list[str]:
    found = cloud.client("logs").describe_log_groups()["logGroups"]
    return [group["logGroupName"] for group in found]


def data_bucket(cloud: Cloud) -> str:
    (name,) = (bucket for bucket in buckets(cloud) if "foundation" in bucket)
    return name


def test_the_order_is_the_reverse_of_the_deployment(deployed: Cloud) -> None:
    plan = plan_destruction(deployed, data=True)

    assert [stack.unit for stack in plan.stacks] == [
        "glue_etl",
        "process",
        "foundation",
        "bootstrap",
    ]


def test_data_catalogue_packages_and_logs_stay(deployed: Cloud) -> None:
    done, printed = run(deployed)

    assert done.done
    assert live(deployed) == {"bootstrap", "foundation", "process-other"}
    assert len(buckets(deployed)) == 2
    assert len(log_groups(deployed)) == 1
    assert f"with the catalogue and bucket {data_bucket(deployed)} stays" in printed
    assert "1 log group, with what was logged stays" in printed


def test_with_the_data_nothing_is_left_but_what_is_said(deployed: Cloud) -> None:
    deployed.client("s3").put_object(Bucket=data_bucket(deployed), Key="raw_data/x", Body=b"x")

    _, printed = run(deployed, data=True)

    assert live(deployed) == {"process-other"}
    assert buckets(deployed) == log_groups(deployed) == []
    (key,) = deployed.client("kms").list_keys()["Keys"]
    described = deployed.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert described["KeyState"] == "PendingDeletion"
    assert f"KMS key {key['KeyId']}, for 30 days" in printed


def test_logs_that_an_earlier_call_left_go_with_the_data(deployed: Cloud) -> None:
    run(deployed)
    deployed.client("logs").create_log_group(logGroupName="openlake-local-process-other-Log-1a")

    run(deployed, data=True)

    # That of another lake stays.
    assert log_groups(deployed) == ["openlake-local-process-other-Log-1a"]


def test_log_groups_as_the_local_aws_names_them_go_with_the_data(deployed: Cloud) -> None:
    for stack in ("process", "process-other"):
        name = f"/aws/cloudformation/openlake-local-{stack}/LogGroup"
        deployed.client("logs").create_log_group(logGroupName=name)

    run(deployed, data=True)

    assert log_groups(deployed) == ["/aws/cloudformation/openlake-local-process-other/LogGroup"]


def test_a_bucket_of_a_stack_that_is_gone_stays_and_is_named(deployed: Cloud) -> None:
    name = "openlake-local-foundation-databucket-0ld"
    deployed.client("s3").create_bucket(Bucket=name)

    _, printed = run(deployed, data=True)

    assert buckets(deployed) == [name]
    assert f"bucket {name}, which a stack that was deleted earlier has left stays" in printed


def test_messages_that_would_be_lost_are_counted(deployed: Cloud) -> None:
    sqs = deployed.client("sqs")
    (url,) = sqs.list_queues()["QueueUrls"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")

    done, printed = run(deployed, dry_run=True)

    assert done.plan.messages == 1
    assert "1 message in queues" in printed


def test_a_dry_run_shows_and_changes_nothing(deployed: Cloud) -> None:
    before = live(deployed)

    done, printed = run(deployed, data=True, dry_run=True, confirm=True)

    assert not done.done
    assert live(deployed) == before
    assert "stack openlake-local-foundation" in printed


def test_without_a_terminal_nothing_is_deleted_unasked(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = live(deployed)

    with pytest.raises(DeployError, match="no terminal"):
        run(deployed, confirm=True)

    assert live(deployed) == before


@pytest.mark.parametrize(("typed", "goes"), [("local", True), ("yes", False)])
def test_only_the_name_of_the_environment_confirms(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, typed: str, goes: bool
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: typed)

    if goes:
        run(deployed, confirm=True)
    else:
        with pytest.raises(DeployError, match="nothing was deleted"):
            run(deployed, confirm=True)

    assert ("process" not in live(deployed)) == goes


def test_an_interrupted_call_is_repeated_and_goes_on(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a call that was killed once the data bucket was deleted, and before its stack was
    real = stacks.delete

    def killed(cloud: Cloud, stack: str, stack_id: str, **others: Any) -> None:
        if stack.endswith("foundation"):
            raise KeyboardInterrupt
        real(cloud, stack, stack_id, **others)

    with monkeypatch.context() as patched:
        patched.setattr(stacks, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            run(deployed, data=True)
    assert len(buckets(deployed)) == 1
    # The key waits already: without the stack no call would find it.
    (key,) = deployed.client("kms").list_keys()["Keys"]
    described = deployed.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert described["KeyState"] == "PendingDeletion"

    # WHEN it is repeated, twice
    run(deployed, data=True)
    done, printed = run(deployed, data=True)

    # THEN everything is gone, and the last one says so
    assert live(deployed) == {"process-other"}
    assert buckets(deployed) == log_groups(deployed) == []
    assert done.done
    assert "nothing to delete" in printed


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        ("UPDATE_IN_PROGRESS", True),
        ("CREATE_IN_PROGRESS", True),
        ("DELETE_IN_PROGRESS", False),
        ("REVIEW_IN_PROGRESS", False),
        ("DELETE_FAILED", False),
        ("ROLLBACK_COMPLETE", False),
    ],
)
def test_a_stack_that_is_being_changed_stops_the_call_before_anything_is_deleted(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch, status: str, refused: bool
) -> None:
    real = stacks.describe

    def describe(cloud: Cloud, stack: str) -> dict[str, Any] | None:
        found = real(cloud, stack)
        return found and {**found, "StackStatus": status}

    with monkeypatch.context() as patched:
        patched.setattr(stacks, "describe", describe)
        if refused:
            with pytest.raises(DeployError, match=f"is {status}"):
                run(deployed)
        else:
            run(deployed)

    assert ("process" in live(deployed)) == refused


def test_a_bucket_goes_with_versions_markers_and_unfinished_uploads(deployed: Cloud) -> None:
    s3, bucket = deployed.client("s3"), data_bucket(deployed)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="x", Body=body)
    s3.delete_object(Bucket=bucket, Key="x")
    s3.create_multipart_upload(Bucket=bucket, Key="y")
    steps: list[str] = []

    removal.delete_bucket(deployed, bucket, steps.append)

    assert bucket not in buckets(deployed)
    assert steps == [f"{bucket}: 3 versions deleted"]
    removal.delete_bucket(deployed, bucket, steps.append)
    assert len(steps) == 1


def test_an_object_that_cannot_be_deleted_is_named(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, bucket = deployed.client("s3"), data_bucket(deployed)
    s3.put_object(Bucket=bucket, Key="x", Body=b"1")
    refusal = {"Errors": [{"Key": "x", "Message": "Access Denied"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: refusal)

    with pytest.raises(DeployError, match=f"x in bucket {bucket} cannot be deleted: Access Denied"):
        removal.delete_bucket(deployed, bucket, print)


def test_a_bucket_that_keeps_filling_is_said(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN access logs that arrive after each round
    s3, bucket = deployed.client("s3"), data_bucket(deployed)
    real = s3.delete_objects

    def delete_and_deliver(**request: Any) -> Any:
        answer = real(**request)
        s3.put_object(Bucket=bucket, Key="log", Body=b"1")
        return answer

    s3.put_object(Bucket=bucket, Key="log", Body=b"1")
    monkeypatch.setattr(s3, "delete_objects", delete_and_deliver)

    with pytest.raises(DeployError, match="objects keep arriving"):
        removal.delete_bucket(deployed, bucket, print)
