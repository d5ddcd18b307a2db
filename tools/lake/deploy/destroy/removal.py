"""Removal of what CloudFormation leaves behind; what is already gone is passed over."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from lake.aws import Cloud
from lake.errors import DeployError
from lake.steps import Say

#: The longest that AWS offers: until then a key, and what it encrypts, can be had back.
KEY_WAITING_DAYS: Final = 30
# Access logs are delivered for hours after the last request.
_ATTEMPTS: Final = 5
_GONE: Final = ("NoSuchBucket", "NoSuchUpload", "ResourceNotFoundException", "NotFoundException")


def delete_bucket(cloud: Cloud, bucket: str, on_step: Say) -> None:
    """Delete a bucket with every version of its objects, and unfinished uploads.

    Raises
    ------
    DeployError
        Objects cannot be deleted, or others keep arriving.
    """
    s3 = cloud.client("s3")
    for _ in range(_ATTEMPTS):
        if not _succeeds(lambda: _empty(s3, bucket, on_step)):
            return
        if _succeeds(lambda: s3.delete_bucket(Bucket=bucket), "BucketNotEmpty"):
            return
    if _succeeds(lambda: s3.head_bucket(Bucket=bucket), "404"):
        raise DeployError(
            f"Bucket {bucket} was emptied, and objects keep arriving.",
            "Repeat in an hour: it goes on from there.",
        )


def delete_log_group(cloud: Cloud, name: str) -> None:
    """Delete a log group."""
    logs = cloud.client("logs")
    _succeeds(lambda: logs.delete_log_group(logGroupName=name))


def schedule_key_deletion(cloud: Cloud, key: str) -> None:
    """Have a KMS key deleted after the waiting time."""
    kms = cloud.client("kms")
    _succeeds(
        lambda: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_WAITING_DAYS),
        # It is waiting already.
        "KMSInvalidStateException",
    )


def _empty(s3: Any, bucket: str, on_step: Say) -> None:
    removed = 0
    for objects in _versions(s3, bucket):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            first = errors[0]
            raise DeployError(
                f"{first['Key']} in bucket {bucket} cannot be deleted: {first['Message']}",
                "Correct that and repeat: it goes on from there.",
            )
        removed += len(objects)
        on_step(f"{bucket}: {removed:,} versions deleted")
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def _versions(s3: Any, bucket: str) -> Iterator[list[dict[str, str]]]:
    """Yield versions and delete markers, at most a thousand at a time."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]


def _succeeds(call: Callable[[], object], *harmless: str) -> bool:
    """Return whether a call succeeded; False where the thing is gone, or for a harmless error."""
    from botocore.exceptions import ClientError

    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in (*_GONE, *harmless):
            return False
        raise
    return True
