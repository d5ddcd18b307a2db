"""What was deployed: template and parameters of every release, kept in the artifact bucket."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.errors import DeployError


@dataclass(frozen=True)
class Release:
    """All that a stack is made from; a package is named by the parameters.

    Attributes
    ----------
    commit
        What the package was built from; empty if that was not committed or there is no package.
    """

    template: str
    parameters: Mapping[str, str]
    commit: str = ""


def record(cloud: Cloud, unit: str, release: Release) -> None:
    """Keep a release that was deployed."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    cloud.client("s3").put_object(
        Bucket=cloud.parameter("bootstrap/artifact-bucket"),
        Key=f"{_prefix(cloud, unit)}{moment}.json",
        Body=json.dumps(asdict(release)).encode(),
        ContentType="application/json",
    )


def previous(cloud: Cloud, unit: str, current: Mapping[str, str]) -> Release:
    """Return the newest release of a unit with other parameters than the current ones.

    Raises
    ------
    DeployError
        There is no such release.
    """
    for found in _newest_first(cloud, unit):
        if any(current.get(name) != value for name, value in found.parameters.items()):
            return found
    raise DeployError(f"There is no earlier release of {unit} to go back to.")


def commit(cloud: Cloud, unit: str, current: Mapping[str, str]) -> str:
    """Return the commit that the package of a unit's stack was built from; empty if unknown."""
    key = current.get("ArtifactKey")
    newest = next(_newest_first(cloud, unit), None) if key else None
    return newest.commit if newest and newest.parameters["ArtifactKey"] == key else ""


def _newest_first(cloud: Cloud, unit: str) -> Iterator[Release]:
    bucket = cloud.parameter("bootstrap/artifact-bucket")
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_prefix(cloud, unit))
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    for key in sorted(keys, reverse=True):
        yield Release(**json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))


def _prefix(cloud: Cloud, unit: str) -> str:
    return f"releases/{cloud.app}-{cloud.env}/{unit}/"
