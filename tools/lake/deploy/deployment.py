"""Deployment of units: package, plan, upload, change set. The same for AWS and the local AWS."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lake import objects
from lake.aws import Cloud
from lake.deploy import alarms, artifacts, changes, history, packaging, stacks
from lake.deploy.units import Unit
from lake.errors import DeployError, NotDeployedError
from lake.project import Project
from lake.steps import Say

BOOTSTRAP = "bootstrap"
LOOKED_UP = ("foundation/data-bucket", "foundation/glue-database")

Parameters = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Plan:
    """What a deployment of one unit would change.

    Attributes
    ----------
    unit, stack
        What is deployed, and the name of its stack.
    release
        Template and parameters that the stack is brought to.
    before
        The stack's parameters now; empty for a new stack.
    change_set
        The computed change set; None where nothing would change.
    """

    unit: Unit
    stack: str
    release: history.Release
    before: Mapping[str, str]
    change_set: stacks.ChangeSet | None

    @property
    def version(self) -> str | None:
        """Version of the service; None for a unit without a package."""
        return self.release.parameters.get("ServiceVersion")


@dataclass(frozen=True)
class Deployed:
    """The outcome for one unit."""

    unit: str
    stack: str
    version: str | None
    changed: bool
    outputs: dict[str, str]


def stack_name(cloud: Cloud, unit: str) -> str:
    """Return the name of a unit's stack; CloudFormation takes no underscore."""
    return f"{cloud.app}-{cloud.env}-{unit.replace('_', '-')}"


def deploy(
    cloud: Cloud,
    project: Project,
    units: Sequence[Unit],
    parameters: Parameters,
    on_step: Say,
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
        Template parameters by unit, in addition to those the stack already has.
    on_step
        Called with a line for each step.
    """
    package(cloud, project, units, parameters, on_step)
    return [
        deploy_unit(cloud, project, unit, parameters.get(unit.name, {}), on_step) for unit in units
    ]


def package(
    cloud: Cloud,
    project: Project,
    units: Sequence[Unit],
    parameters: Parameters,
    on_step: Say,
) -> None:
    """Build the packages of those units that have one, each for its architecture."""
    services: dict[str, dict[str, str]] = {}
    for unit in units:
        if unit.packaged:
            wanted = _architecture(parameters.get(unit.name, {}), current_parameters(cloud, unit))
            services.setdefault(wanted, {})[unit.name] = unit.target
    for architecture, targets in sorted(services.items()):
        on_step(f"package {', '.join(targets)}")
        packaging.package(
            project, targets, for_host=cloud.is_local, architecture=architecture, on_line=on_step
        )


def changed_units(
    cloud: Cloud, project: Project, units: Sequence[Unit], parameters: Parameters
) -> list[Unit]:
    """Return the units with a package that may differ from the one that is deployed."""
    deployed, changed = {}, set()
    for unit in units:
        if unit.packaged:
            before = current_parameters(cloud, unit)
            deployed[unit.name] = history.commit(cloud, unit.name, before)
            if _architecture(parameters.get(unit.name, {}), before) != _architecture({}, before):
                changed.add(unit.name)
    changed |= changes.may_have_changed(project, deployed)
    return [unit for unit in units if unit.name in changed]


def plan_unit(
    cloud: Cloud,
    project: Project,
    unit: Unit,
    parameters: Mapping[str, str],
    *,
    keeps_package: bool = False,
) -> Plan:
    """Compute what a deployment of one unit would change; its package is built already.

    A parameter that is not given keeps the value that the stack has, and with `keeps_package` so
    does the package.
    """
    template = project.template(unit.name)
    before = current_parameters(cloud, unit)
    known = stacks.parameter_names(cloud, template)
    kept = {name: value for name, value in before.items() if name in known - {"Release"}}
    values = kept | {"App": cloud.app, "Env": cloud.env} | dict(parameters)
    commit = ""
    if unit.packaged:
        if keeps_package:
            commit = history.commit(cloud, unit.name, before)
        else:
            commit = changes.commit_of(project)
            values |= code_parameters(cloud, project, unit, _architecture(parameters, before))
    if "Release" in known:
        # The names that the template looks up by itself are part of the configuration, too.
        found = {name: cloud.parameter(name) for name in LOOKED_UP}
        values["Release"] = release_of(template, values | found)
    return plan_release(cloud, unit, history.Release(template, values, commit), before)


def plan_rollback(cloud: Cloud, unit: Unit) -> Plan:
    """Compute the change back to the release before the current one.

    Raises
    ------
    DeployError
        There is no earlier release.
    """
    current = current_release(cloud, unit) or history.Release("", {})
    target = history.previous(cloud, unit.name, current)
    return plan_release(cloud, unit, target, current.parameters)


def plan_release(
    cloud: Cloud, unit: Unit, release: history.Release, before: Mapping[str, str]
) -> Plan:
    """Compute the change set that brings a unit's stack to a release."""
    stack = stack_name(cloud, unit.name)
    lake = f"{cloud.app}-{cloud.env}"  # what the budget filters on
    tags = {"app": cloud.app, "env": cloud.env, "unit": unit.name, "lake": lake}
    guard = alarms.rollback_alarms(cloud, unit.name)
    role = deployment_role(cloud, unit)
    change_set = stacks.prepare(
        cloud, stack, release.template, release.parameters, tags, guard, role
    )
    return Plan(unit, stack, release, before, change_set)


def deployment_role(cloud: Cloud, unit: Unit) -> str | None:
    """Return the role with which CloudFormation deploys a unit.

    Where bootstrap made one, it is everybody's, so that a stack does not depend on who deployed it
    first. Bootstrap holds that role, and is deployed with the rights of the caller.
    """
    if unit.name == BOOTSTRAP:
        return None
    try:
        return cloud.parameter(f"{BOOTSTRAP}/cloudformation-role-arn")
    except NotDeployedError:
        return None


def apply(cloud: Cloud, project: Project, plan: Plan, on_step: Say) -> Deployed:
    """Upload what a plan needs, execute its change set and record the release."""
    name = plan.unit.name
    with stacks.discarded_on_failure(cloud, plan.change_set):
        if current := current_release(cloud, plan.unit):
            history.catch_up(cloud, name, current, plan.release)
        if plan.change_set is not None and plan.unit.packaged:
            _provide_package(cloud, project, plan, on_step)
    done = Deployed(name, plan.stack, plan.version, plan.change_set is not None, {})
    if plan.change_set is None:
        on_step(f"{name}: nothing to change")
        return replace(done, outputs=stacks.outputs(stacks.describe(cloud, plan.stack) or {}))
    verb = "create" if plan.change_set.creates_stack else "update"
    on_step(f"{name}: {verb} stack {plan.stack} ({len(plan.change_set.changes)} changes)")
    found = stacks.execute(cloud, plan.change_set, on_event=lambda line: on_step(f"{name}: {line}"))
    # With the defaults of the template as they are now, so that a rollback restores them, too.
    full = current_parameters(cloud, plan.unit)
    history.record(cloud, name, replace(plan.release, parameters=full))
    return replace(done, outputs=found)


def deploy_unit(
    cloud: Cloud,
    project: Project,
    unit: Unit,
    parameters: Mapping[str, str],
    on_step: Say,
) -> Deployed:
    """Bring the stack of one unit up to date; its package, if it has one, is built already."""
    return apply(cloud, project, plan_unit(cloud, project, unit, parameters), on_step)


def release_of(template: str, parameters: Mapping[str, str]) -> str:
    """Return what identifies code and configuration together.

    A Lambda version is immutable, so a change of either must publish a new one: the template names
    the version's description by this value.
    """
    text = json.dumps([template, dict(parameters)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def current_parameters(cloud: Cloud, unit: Unit) -> dict[str, str]:
    """Return the parameters of a unit's stack; empty if it does not exist."""
    return stacks.parameters(stacks.describe(cloud, stack_name(cloud, unit.name)) or {})


def current_release(cloud: Cloud, unit: Unit) -> history.Release | None:
    """Return what a unit's stack is made from now; None where it is not there, or in between."""
    stack = stack_name(cloud, unit.name)
    found = stacks.describe(cloud, stack)
    if found is None or not stacks.is_settled(found):
        return None
    return history.Release(stacks.template(cloud, stack), stacks.parameters(found))


def code_parameters(
    cloud: Cloud, project: Project, unit: Unit, architecture: str
) -> dict[str, str]:
    """Return the parameters that name a unit's package."""
    version = project.version(unit.name)
    digest = artifacts.content_digest(project.package(unit.name))
    return {
        "ArtifactBucket": cloud.parameter("bootstrap/artifact-bucket"),
        "ArtifactKey": artifacts.artifact_key(unit.name, version, architecture, digest),
        "ServiceVersion": version,
    }


def refuse_reused_version(cloud: Cloud, plan: Plan) -> None:
    """Refuse a new package whose version was deployed before with another content.

    Raises
    ------
    DeployError
        It was.
    """
    values = plan.release.parameters
    if not plan.unit.packaged or values["ArtifactKey"] == plan.before.get("ArtifactKey"):
        return
    others = artifacts.other_contents(cloud, values["ArtifactBucket"], values["ArtifactKey"])
    if others:
        raise DeployError(
            f"Version {plan.version} of {plan.unit.name} was deployed before with other content.",
            f"Raise services/{plan.unit.name}/VERSION, or give --allow-reused-version.",
        )


def _architecture(given: Mapping[str, str], before: Mapping[str, str]) -> str:
    return {**before, **given}.get("Architecture", packaging.DEFAULT_ARCHITECTURE)


def _provide_package(cloud: Cloud, project: Project, plan: Plan, on_step: Say) -> None:
    bucket, key = (plan.release.parameters[name] for name in ("ArtifactBucket", "ArtifactKey"))
    package_file = project.package(plan.unit.name)
    if not objects.exists(cloud, bucket, key) and artifacts.is_content(package_file, key):
        # The package last: where it is, all that belongs to it is.
        artifacts.upload_members(cloud, bucket, key, package_file, plan.unit.members)
        artifacts.upload(cloud, bucket, key, package_file)
        size = package_file.stat().st_size / 1e6
        on_step(f"{plan.unit.name}: uploaded {package_file.name} ({size:.1f} MB)")
    artifacts.require(cloud, bucket, key)
