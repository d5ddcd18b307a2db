"""What was deployed: template and parameters of every release, kept in the artifact bucket."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.errors import DeployError


@dataclass(frozen=True)
class Release:
    """All that a stack is made from; a package is named by the parameters."""

    template: str
    parameters: Mapping[str, str]


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
        There is none.
    """
    bucket = cloud.parameter("bootstrap/artifact-bucket")
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_prefix(cloud, unit))
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    for key in sorted(keys, reverse=True):
        found = Release(**json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
        if any(current.get(name) != value for name, value in found.parameters.items()):
            return found
    raise DeployError(f"There is no earlier release of {unit} to go back to.")


def _prefix(cloud: Cloud, unit: str) -> str:
    return f"releases/{cloud.app}-{cloud.env}/{unit}/"
