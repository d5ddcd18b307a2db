"""Commands that look at the lake."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lake.cli.options import EnvOption, JsonOption, PortOption
from lake.cli.targets import aws_cloud, cloud_of, local_aws, require_one_target
from lake.project import Project, current_project
from lake.terminal.console import err, out

if TYPE_CHECKING:
    from lake.aws import Cloud
    from lake.etl.job_runs import JobRun


def doctor(port: PortOption, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Look at what commands need of this machine and, with --env, of the account on AWS.

    Changes nothing. Each line is fine or says what to do; a problem makes the exit code 1.
    """
    from lake.operations.doctor.command import examine
    from lake.operations.doctor.findings import is_ready
    from lake.terminal import screens

    project = current_project()
    cloud = aws_cloud(project, env) if env else None
    found = examine(project, local_aws(project), port, cloud)
    if as_json:
        print(json.dumps([asdict(item) for item in found], indent=2))
    else:
        screens.show_findings(out, found)
    if not is_ready(found):
        raise SystemExit(1)


def verify(
    env: EnvOption = None,
    local: Annotated[bool, typer.Option("--local", help="The local AWS: the default.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show on a deployed environment what the lake relies on; the acceptance test.

    Puts two pages of a run of its own, and removes what came of them. Each claim is shown, has
    failed, or cannot be seen in this place; a failed one makes the exit code 1.
    """
    from lake.operations.verify.command import verify as run
    from lake.terminal import screens

    require_one_target(env, local=local)
    project = current_project()
    cloud = cloud_of(project, env)
    with err.status("Verify") as status:
        report = run(
            cloud, _newest_job_runs(project, cloud), lambda claim: status.update(f"Verify: {claim}")
        )
    if as_json:
        print(json.dumps({**asdict(report), "ok": report.ok}, indent=2))
    else:
        screens.show_verification(out, report)
    if not report.ok:
        raise SystemExit(1)


def _newest_job_runs(project: Project, cloud: "Cloud") -> "Sequence[JobRun]":
    from lake.etl.glue_jobs import newest_job_runs
    from lake.etl.workspace import folder_of, job_log

    if cloud.is_local:
        bucket = cloud.parameter("foundation/data-bucket")
        return job_log(folder_of(project)).newest(bucket, 1)
    return newest_job_runs(cloud, 1)
