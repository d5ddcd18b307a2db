"""Turn errors of AWS, of the network and of the file system into a line and a hint."""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lake.errors import AwsError, LakeError, LocalAwsDownError, StorageError

RETRY = "Wait a minute, then run the same command again."
CREDENTIALS_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefresh"}
CREDENTIALS_INVALID = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED = {
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "Forbidden",
    "UnauthorizedOperation",
}
THROTTLED = {
    "BandwidthLimitExceeded",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}
NO_ACCESS = (errno.EACCES, errno.EPERM)
DISK_FULL_OR_READ_ONLY = (errno.EDQUOT, errno.ENOSPC, errno.EROFS)


def explain(error: BaseException) -> LakeError | None:
    """Return what to tell the user about an error; None if it is unexpected."""
    if isinstance(error, LakeError):
        return error
    for cause in _chain(error):
        found = _explain_aws(cause)
        if found is not None:
            return found
    return _explain_file(error) if isinstance(error, OSError) else None


def _explain_file(error: OSError) -> LakeError | None:
    hint = "Check the disk and the permissions of the folder."
    place = error.filename or "A file"
    if error.errno in DISK_FULL_OR_READ_ONLY:
        return StorageError(f"{place} cannot be written: {error.strerror}.", hint)
    if error.errno in NO_ACCESS and error.filename:
        return StorageError(f"{place} cannot be read or written: {error.strerror}.", hint)
    return None


def write_log(folder: Path, error: BaseException) -> Path:
    """Write a traceback and how the command was called into a file; return its path.

    Parameters
    ----------
    folder
        Where the log is kept; a temporary folder is used if it cannot be written.
    """
    text = (
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {' '.join(sys.argv)}\n"
        f"Python {sys.version.split()[0]} on {sys.platform}\n\n"
        + "".join(traceback.format_exception(error))
    )
    path = folder / "error.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError:
        descriptor, name = tempfile.mkstemp(prefix="lake-error-", suffix=".log")
        path = Path(name)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    return path


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and, if it is boto3's, what it wraps: transfers hide errors of botocore."""
    current: BaseException | None = error
    while current is not None:
        yield current
        if not type(current).__module__.startswith(("boto3", "botocore", "s3transfer")):
            return
        current = current.__cause__ or current.__context__


def _explain_aws(error: BaseException) -> LakeError | None:
    if "botocore" not in sys.modules:
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, BotoCoreError) and not _is_defect(error):
        return _settings(error) or _connection(error) or _other(error)
    return None


def _is_defect(error: Any) -> bool:
    """Return whether the command line called botocore wrongly."""
    from botocore import exceptions as kinds

    if isinstance(error, kinds.InvalidRegionError):
        return False
    return isinstance(
        error,
        kinds.DataNotFoundError
        | kinds.MissingParametersError
        | kinds.OperationNotPageableError
        | kinds.ParamValidationError
        | kinds.UnknownClientMethodError
        | kinds.ValidationError
        | kinds.WaiterConfigError,
    )


def _other(error: Any) -> LakeError:
    return AwsError(_sentence(error), "Check your AWS settings: 'aws configure list' shows them.")


def _sign_in() -> str:
    profile = os.environ.get("AWS_PROFILE")
    login = f"aws sso login --profile {profile}" if profile else "aws sso login"
    return (
        f"Sign in with '{login}', or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
        " AWS_SECRET_ACCESS_KEY."
    )


def _settings(error: Any) -> LakeError | None:
    """Explain errors of region, profile and credentials."""
    from botocore import exceptions as kinds

    if isinstance(error, kinds.NoRegionError | kinds.InvalidRegionError):
        return AwsError(f"{error}", "Set AWS_REGION, for example AWS_REGION=eu-central-1.")
    if isinstance(error, kinds.ProfileNotFound):
        return AwsError(
            _sentence(error), "Set AWS_PROFILE to one that 'aws configure list-profiles' shows."
        )
    if isinstance(error, kinds.SSOError | kinds.LoginError | kinds.TokenRetrievalError):
        return AwsError(
            f"The AWS sign-in has expired or is missing: {_sentence(error)}", _sign_in()
        )
    if isinstance(
        error,
        kinds.NoCredentialsError | kinds.PartialCredentialsError | kinds.CredentialRetrievalError,
    ):
        return AwsError(_sentence(error), _sign_in())
    if isinstance(error, kinds.ConfigParseError | kinds.InvalidConfigError | kinds.ConfigNotFound):
        return AwsError(_sentence(error), "Correct ~/.aws/config, or the file in AWS_CONFIG_FILE.")
    return None


def _connection(error: Any) -> LakeError | None:
    from botocore import exceptions

    if not isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return None
    host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname
    if host in ("127.0.0.1", "localhost"):
        return LocalAwsDownError(
            f"The connection to the local AWS was lost: {_sentence(error)}",
            "'./lake status' shows whether it is running; './lake up' starts it.",
        )
    return AwsError(
        f"AWS cannot be reached: {_sentence(error)}",
        "Check the network, the proxy and the region (AWS_REGION).",
    )


def _refusal(error: Any) -> LakeError:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    message = _sentence(error.response.get("Error", {}).get("Message") or "no reason given")
    operation = error.operation_name
    if code in CREDENTIALS_EXPIRED:
        return AwsError(f"The AWS credentials have expired ({operation}).", _sign_in())
    if code in CREDENTIALS_INVALID:
        return AwsError(f"AWS does not accept the credentials: {message}", _sign_in())
    if code in DENIED:
        return AwsError(
            f"AWS denied {operation}: {message}",
            "Use a profile that may do it (AWS_PROFILE), or ask for the permission.",
        )
    if code in THROTTLED:
        return AwsError(f"AWS throttled {operation}: {message}", RETRY)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if isinstance(status, int) and status >= 500:
        return AwsError(f"AWS failed at {operation} ({code}): {message}", RETRY)
    return AwsError(f"AWS refused {operation} ({code}): {message}")


def _sentence(text: object) -> str:
    """Return a message on one line, with a full stop."""
    line = " ".join(str(text).split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
