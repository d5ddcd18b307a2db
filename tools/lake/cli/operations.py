"""The command that shows how the lake is."""

import json
from dataclasses import asdict

from lake.cli.console import out
from lake.cli.options import EnvOption, JsonOption
from lake.cli.targets import cloud_of
from lake.project import current_project


def status(env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Show what is deployed, the runs, what waits in queues, and the curated tables."""
    from lake.cli import screens
    from lake.etl.glue_jobs import newest_job_runs
    from lake.etl.refresh import folder_of, job_log
    from lake.operations.status import read_status

    project = current_project()
    cloud = cloud_of(project, env)
    if cloud.is_local:
        found = read_status(cloud, job_log(folder_of(project)).newest)
    else:
        found = read_status(cloud, lambda _bucket, count: newest_job_runs(cloud, count))
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        screens.show_status(out, found)
