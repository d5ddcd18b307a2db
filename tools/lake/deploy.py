"""Deployment of units: package, upload, change set. The same for AWS and the local AWS."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lake import artifacts, packaging, stacks
from lake.aws import Cloud
from lake.errors import DeployError
from lake.project import Project
from lake.units import Unit

LOOKED_UP = ("foundation/data-bucket", "foundation/glue-database")

Parameters = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Deployed:
    """What came of one unit."""

    unit: str
    stack: str
    version: str | None
    changed: bool
    outputs: dict[str, str]


def stack_name(cloud: Cloud, unit: str) -> str:
    """Return the name of a unit's stack."""
    return f"{cloud.app}-{cloud.env}-{unit}"


def deploy(
    cloud: Cloud,
    project: Project,
    units: Sequence[Unit],
    parameters: Parameters,
    on_step: Callable[[str], None],
) -> list[Deployed]:
    """Package what the units need and bring their stacks up to date, in the order given.

    Parameters
    ----------
    cloud
        Where to deploy.
    project
        The clone to deploy from.
    units
        What to deploy, in order.
    parameters
        Template parameters by unit, beside those that every unit gets.
    on_step
        Called with a line for each step.
    """
    services = [unit.name for unit in units if unit.packaged]
    if services:
        on_step(f"package {', '.join(services)}")
        packaging.package(project, services, for_host=cloud.is_local, on_line=on_step)
    try:
        return [
            deploy_unit(cloud, project, unit, parameters.get(unit.name, {}), on_step)
            for unit in units
        ]
    except KeyError as error:
        raise DeployError(
            f"The SSM parameter {error.args[0]} is not set.",
            "Deploy what publishes it first: ./lake deploy bootstrap foundation",
        ) from error


def deploy_unit(
    cloud: Cloud,
    project: Project,
    unit: Unit,
    parameters: Mapping[str, str],
    on_step: Callable[[str], None],
) -> Deployed:
    """Bring the stack of one unit up to date; its package, if it has one, is built already."""
    template = (project.templates / f"{unit.name}.yaml").read_text()
    values = {"App": cloud.app, "Env": cloud.env, **parameters}
    version = None
    if unit.packaged:
        version = project.version(unit.name)
        values |= _code_parameters(cloud, project, unit, version, on_step)
        # The names that the template looks up by itself are part of the configuration, too.
        found = {name: cloud.parameter(name) for name in LOOKED_UP}
        values["Release"] = release_of(template, values | found)
    stack = stack_name(cloud, unit.name)
    tags = {"app": cloud.app, "env": cloud.env, "unit": unit.name}
    change_set = stacks.prepare(cloud, stack, template, values, tags)
    if change_set is None:
        on_step(f"{unit.name}: nothing to change")
        description = stacks.describe(cloud, stack) or {}
        return Deployed(unit.name, stack, version, False, stacks.outputs(description))
    verb = "create" if change_set.creates_stack else "update"
    on_step(f"{unit.name}: {verb} stack {stack} ({len(change_set.changes)} changes)")
    found = stacks.execute(cloud, change_set, on_event=lambda line: on_step(f"{unit.name}: {line}"))
    return Deployed(unit.name, stack, version, True, found)


def release_of(template: str, parameters: Mapping[str, str]) -> str:
    """Return what identifies code and configuration together.

    A Lambda version is immutable, so a change of either must publish a new one: the template names
    the version's description by this value.
    """
    text = json.dumps([template, dict(parameters)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _code_parameters(
    cloud: Cloud,
    project: Project,
    unit: Unit,
    version: str,
    on_step: Callable[[str], None],
) -> dict[str, str]:
    package = project.package(unit.name)
    key = artifacts.artifact_key(unit.name, version, artifacts.content_digest(package))
    bucket = cloud.parameter("bootstrap/artifact-bucket")
    if artifacts.upload(cloud, bucket, key, package):
        on_step(f"{unit.name}: uploaded {package.name} ({package.stat().st_size / 1e6:.1f} MB)")
    artifacts.require(cloud, bucket, key)
    return {"ArtifactBucket": bucket, "ArtifactKey": key, "ServiceVersion": version}
