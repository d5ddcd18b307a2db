import errno
from collections.abc import Callable

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions
from botocore.exceptions import ClientError

from lake.aws import Cloud
from lake.errors import AwsError, LocalAwsDownError, NotDeployedError, StorageError
from lake.terminal.failures import explain
from lake.testing.fake_lake import FakeSsm


def refusal(code: str, message: str = "it says", status: int = 400) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "PutObject")


def failed_upload() -> Exception:
    error = S3UploadFailedError("Failed to upload x")
    error.__context__ = refusal("AccessDenied")
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (refusal("ExpiredToken"), "The AWS credentials have expired (PutObject).", "aws sso login"),
        (refusal("InvalidClientTokenId"), "AWS does not accept the credentials: it says.", "sso"),
        (refusal("AccessDenied"), "AWS denied PutObject: it says.", "AWS_PROFILE"),
        (refusal("ThrottlingException"), "AWS throttled PutObject: it says.", "Wait a minute"),
        (refusal("InternalError", status=500), "AWS failed at PutObject (InternalError)", "Wait"),
        (refusal("NoSuchBucket"), "AWS refused PutObject (NoSuchBucket): it says.", ""),
        (failed_upload(), "AWS denied PutObject: it says.", "AWS_PROFILE"),
        (
            exceptions.UnauthorizedSSOTokenError(),
            "The AWS sign-in has expired or is missing",
            "aws sso login",
        ),
        (
            exceptions.TokenRetrievalError(provider="sso", error_msg="Token has expired"),
            "The AWS sign-in has expired or is missing",
            "aws sso login",
        ),
        (
            exceptions.EndpointConnectionError(endpoint_url="https://ssm.eu-west-9.amazonaws.com"),
            "AWS cannot be reached: Could not connect to the endpoint URL",
            "the network, the proxy and the region (AWS_REGION)",
        ),
        (
            exceptions.LoginRefreshRequired(),
            "The AWS sign-in has expired or is missing",
            "aws sso login",
        ),
        (
            exceptions.MissingDependencyException(msg="awscrt is missing"),
            "Missing Dependency: awscrt is missing.",
            "aws configure list",
        ),
        (
            exceptions.ConfigParseError(path="/home/me/.aws/config"),
            "Unable to parse config file: /home/me/.aws/config",
            "~/.aws/config",
        ),
    ],
)
def test_an_error_of_aws_is_a_line_and_a_hint(error: Exception, message: str, hint: str) -> None:
    found = explain(error)

    assert isinstance(found, AwsError)
    assert found.message.startswith(message)
    assert "\n" not in found.message
    assert hint in found.hint


def test_the_sign_in_names_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")

    found = explain(exceptions.UnauthorizedSSOTokenError())

    assert found is not None
    assert "'aws sso login --profile work'" in found.hint


def test_a_lost_local_aws_is_not_taken_for_aws() -> None:
    found = explain(exceptions.ConnectTimeoutError(endpoint_url="http://127.0.0.1:4566/"))

    assert isinstance(found, LocalAwsDownError)
    assert "./lake up" in found.hint


def test_without_a_network_the_hint_is_not_about_the_local_aws() -> None:
    found = explain(exceptions.ReadTimeoutError(endpoint_url="https://s3.amazonaws.com/"))

    assert isinstance(found, AwsError)
    assert "local" not in found.message + found.hint


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.EROFS, "Read-only file system", "/clone/.lake"),
            "/clone/.lake cannot be written: Read-only file system.",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "A file cannot be written: No space left on device.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/clone/dump.txt"),
            "/clone/dump.txt cannot be read or written: Permission denied.",
        ),
    ],
)
def test_a_file_that_cannot_be_written_is_named(error: OSError, message: str) -> None:
    found = explain(error)

    assert isinstance(found, StorageError)
    assert found.message == message


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        FileNotFoundError(errno.ENOENT, "no", "f"),
        exceptions.ParamValidationError(report="Missing Bucket"),
    ],
)
def test_a_defect_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


def raised(act: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:  # (any; it is looked at)
        act()
    return caught.value


def test_a_defect_after_an_error_of_aws_is_not_taken_for_it() -> None:
    def act() -> None:
        try:
            raise refusal("AccessDenied")
        except ClientError:
            raise KeyError("defect")  # noqa: B904 (on purpose)

    assert explain(raised(act)) is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
    ],
)
def test_the_region_is_that_of_aws_region(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert Cloud(env="dev").client("ssm").meta.region_name == expected


@pytest.mark.parametrize(
    ("cloud", "expected"),
    [
        (Cloud(endpoint="http://127.0.0.1:1"), "./lake deploy foundation"),
        (Cloud(env="dev"), "./lake deploy foundation --env dev"),
    ],
)
def test_a_hint_repeats_the_target(cloud: Cloud, expected: str) -> None:
    cloud._clients["ssm"] = FakeSsm()

    with pytest.raises(NotDeployedError) as caught:
        cloud.parameter("foundation/data-bucket")

    assert caught.value.hint == f"Deploy what publishes it first: {expected}"
