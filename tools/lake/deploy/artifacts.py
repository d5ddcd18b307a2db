"""Packages in the artifact bucket, under keys that hold a digest of their content."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from lake.aws import Cloud
from lake.errors import ArtifactMissingError, DeployError
from lake.objects import exists, object_keys

DIGEST_LENGTH = 16


def content_digest(package: Path) -> str:
    """Return the SHA-256 (hex) of the contents of a zip.

    Not of the zip itself, which also records when each file was built.

    Raises
    ------
    DeployError
        The file is missing or not a zip.
    """
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(package) as archive:
            for entry in sorted(archive.infolist(), key=lambda item: item.filename):
                if entry.is_dir():
                    continue
                content = hashlib.sha256(archive.read(entry)).hexdigest()
                digest.update(f"{content}  {entry.filename}\n".encode())
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DeployError(f"{package} is not a package: {error}", "Build it again.") from error
    return digest.hexdigest()


def artifact_key(service: str, version: str, architecture: str, digest: str) -> str:
    """Return the key of a package; different contents never share one."""
    name = f"{service}-{version}-{architecture}-{digest[:DIGEST_LENGTH]}.zip"
    return f"services/{service}/{name}"


def is_content(package: Path, key: str) -> bool:
    """Return whether a file has the content that a key names."""
    return package.is_file() and content_digest(package)[:DIGEST_LENGTH] in key


def other_contents(cloud: Cloud, bucket: str, key: str) -> list[str]:
    """Return the keys of packages of the same version and architecture with other content."""
    prefix = key[: -(DIGEST_LENGTH + len(".zip"))]
    found = object_keys(cloud, bucket, prefix)
    return [other for other in found if other != key and other.endswith(".zip")]


def upload(cloud: Cloud, bucket: str, key: str, package: Path) -> bool:
    """Upload a package unless it is there already; return whether it was uploaded."""
    if exists(cloud, bucket, key):
        return False
    cloud.client("s3").upload_file(str(package), bucket, key)
    return True


def upload_members(
    cloud: Cloud, bucket: str, key: str, package: Path, members: Mapping[str, str]
) -> None:
    """Upload some members of a package as separate objects, each below the package by its name.

    Raises
    ------
    DeployError
        The package has no such member.
    """
    with zipfile.ZipFile(package) as archive:
        for member, name in members.items():
            try:
                body = archive.read(member)
            except KeyError:
                raise DeployError(
                    f"{package} does not contain {member}.", "Build it again."
                ) from None
            cloud.client("s3").put_object(Bucket=bucket, Key=f"{key}/{name}", Body=body)


def require(cloud: Cloud, bucket: str, key: str) -> None:
    """Check that a package is where a stack will look for it.

    A stack whose code is missing fails late on AWS; the local AWS even reports success.

    Raises
    ------
    ArtifactMissingError
        It is not there.
    """
    if not exists(cloud, bucket, key):
        raise ArtifactMissingError(
            f"The package s3://{bucket}/{key} does not exist.",
            "Deploy again; if it repeats, check who may write to the artifact bucket.",
        )
