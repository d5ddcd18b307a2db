"""What was deployed: template and parameters of every release, kept in the artifact bucket."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.errors import DeployError
from lake.objects import object_keys, read_parsed
from lake.times import utc_text

NAME_FORMAT = "%Y%m%dT%H%M%S%fZ"
COMMIT_LENGTH = 10


@dataclass(frozen=True)
class Release:
    """All that a stack is made from; a package is named by the parameters.

    Attributes
    ----------
    commit
        What the package was built from; empty if that was not committed or there is no package.
    restores
        Name of the earlier release that this one went back to; empty for a new one.
    """

    template: str
    parameters: Mapping[str, str]
    commit: str = ""
    restores: str = ""

    def is_deployed(self, current: "Release") -> bool:
        """Return whether what a stack has now is this release."""
        return _comparable(self.template) == _comparable(current.template) and all(
            current.parameters.get(name) == value for name, value in self.parameters.items()
        )


def record(cloud: Cloud, unit: str, release: Release) -> None:
    """Keep a release that was deployed."""
    moment = datetime.now(UTC).strftime(NAME_FORMAT)
    cloud.client("s3").put_object(
        Bucket=cloud.parameter("bootstrap/artifact-bucket"),
        Key=f"{_prefix(cloud, unit)}{moment}.json",
        Body=json.dumps(asdict(release)).encode(),
        ContentType="application/json",
    )


def catch_up(cloud: Cloud, unit: str, current: Release, planned: Release) -> None:
    """Keep what a stack has now, where the call that deployed it was interrupted before it could.

    Parameters
    ----------
    current
        Template and parameters of the stack.
    planned
        What a deployment is about to bring the stack to; of it the commit is known.
    """
    for number, (name, found) in enumerate(_newest_first(cloud, unit)):
        if found.is_deployed(current):
            # Newer ones were rolled back by that call.
            if number > 0:
                record(cloud, unit, replace(found, restores=found.restores or name))
            return
    known = planned if planned.is_deployed(current) else current
    record(cloud, unit, replace(known, parameters=current.parameters))


def previous(cloud: Cloud, unit: str, current: Release) -> Release:
    """Return the release before the current one, for going back to.

    After a rollback that is the one before the restored release: a second rollback goes further
    back, never forward.

    Raises
    ------
    DeployError
        There is no such release.
    """
    # Releases after this one were rolled back.
    newest_counted = next(
        (name for name, found in _newest_first(cloud, unit) if found.is_deployed(current)), ""
    )
    for name, found in _newest_first(cloud, unit):
        if newest_counted and name > newest_counted:
            continue
        if not found.is_deployed(current):
            return replace(found, restores=name)
        newest_counted = found.restores or newest_counted
    raise DeployError(
        f"There is no earlier release of {unit} to go back to.",
        f"Deploy an earlier commit instead: check it out, then {cloud.command(f'deploy {unit}')}",
    )


def describe(release: Release) -> str:
    """Return when a release that is restored was deployed, its version and its commit."""
    moment = datetime.strptime(release.restores, NAME_FORMAT).replace(tzinfo=UTC)
    version = release.parameters.get("ServiceVersion")
    parts = [f"version {version}"] if version else []
    parts.append(f"deployed {utc_text(moment)} UTC")
    if release.commit:
        parts.append(f"commit {release.commit[:COMMIT_LENGTH]}")
    return ", ".join(parts)


def commit(cloud: Cloud, unit: str, current: Mapping[str, str]) -> str:
    """Return the commit that the package of a unit's stack was built from; empty if unknown."""
    key = current.get("ArtifactKey")
    _, newest = next(_newest_first(cloud, unit), ("", None)) if key else ("", None)
    return newest.commit if newest and newest.parameters["ArtifactKey"] == key else ""


def _newest_first(cloud: Cloud, unit: str) -> Iterator[tuple[str, Release]]:
    """Yield each release with its name, a time."""
    bucket = cloud.parameter("bootstrap/artifact-bucket")
    for key in sorted(object_keys(cloud, bucket, _prefix(cloud, unit)), reverse=True):
        release = read_parsed(cloud, bucket, key, lambda body: Release(**json.loads(body)))
        if release is not None:
            yield key.rpartition("/")[2].removesuffix(".json"), release


def _comparable(template: str) -> bytes:
    # CloudFormation returns a question mark for what is not ASCII.
    return template.strip().encode("ascii", "replace")


def _prefix(cloud: Cloud, unit: str) -> str:
    return f"releases/{cloud.app}-{cloud.env}/{unit}/"
