"""Claims about what watches and bounds the lake: views, jobs, freshness, metrics, alarms, roles."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lake.aws import Cloud
from lake.deploy import deployment, stacks
from lake.etl.job_runs import JobRun
from lake.operations.verify.claims import ClaimFailedError, UnavailableError
from lake.query.execute import run_query
from lake.runs.ledger import read_run, run_ids
from schemas.keys import CURATED_PREFIX, RAW_PREFIX
from schemas.tables import WORKS

FRESH_HOURS = 26
# CloudWatch shows a metric within this time after it was logged.
METRIC_SECONDS = 300.0
POLL_SECONDS = 10.0
# Our own broken page sets off the first; the second is on before the first run, which
# is the claim runs-are-fresh.
EXPECTED_ALARMS = ("pages-quarantined", "freshness")
# What each role must not do: unit, role, action, key or table.
DENIED = (
    ("ingest", "FunctionRole", "s3:DeleteObject", f"{RAW_PREFIX}x"),
    ("ingest", "FunctionRole", "s3:PutObject", f"{WORKS.location}x"),
    ("process", "FunctionRole", "s3:PutObject", f"{RAW_PREFIX}x"),
    ("process", "FunctionRole", "s3:DeleteObject", f"{WORKS.location}x"),
    ("glue_etl", "EtlRole", "s3:PutObject", f"{WORKS.location}x"),
    ("glue_etl", "BulkRole", "s3:PutObject", f"{CURATED_PREFIX}works/x"),
)


def view_answers(cloud: Cloud) -> str:
    """Query a view that shows why our own page is in quarantine; it needs no curated table."""
    _require(cloud, "analytics")
    reasons = [
        row[0] for row in run_query(cloud, "SELECT reason_code FROM quarantine_by_reason").rows
    ]
    if not reasons:
        raise ClaimFailedError("quarantine_by_reason has no row, although a page is in quarantine")
    return f"quarantine_by_reason: {', '.join(map(str, reasons))}"


def job_runs_to_its_end(cloud: Cloud, newest: list[JobRun]) -> str:
    """Look at the newest run of the ETL's job."""
    if not newest:
        raise UnavailableError(f"no job has run yet: '{cloud.command('etl')}' runs one")
    run = newest[0]
    if run.state not in ("SUCCEEDED", "RUNNING"):
        raise ClaimFailedError(f"the job run of {run.started_at} {run.state.lower()}: {run.error}")
    return f"{run.job} of {run.started_at}: {run.state.lower()}"


def runs_are_fresh(cloud: Cloud, bucket: str, now: datetime) -> str:
    """Look for a run that was processed not long ago."""
    for run_id in reversed(run_ids(cloud, bucket)):
        run = read_run(cloud, bucket, run_id)
        if run.manifest is None or run.processed is None:
            continue
        age = now - run.manifest.finished_at
        if age > timedelta(hours=FRESH_HOURS):
            raise ClaimFailedError(f"the newest processed run, {run_id}, is {age} old")
        return f"run {run_id} was crawled {age.total_seconds() / 3600:.1f} hours ago"
    raise UnavailableError("no run is processed yet: the schedule starts one")


def metric_arrives(
    cloud: Cloud, since: datetime, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Wait for the metric that process logs for each page."""
    _require_aws(cloud, "the local AWS makes no metrics of logs")
    deadline = time.monotonic() + METRIC_SECONDS
    while time.monotonic() < deadline:
        found = cloud.client("cloudwatch").get_metric_statistics(
            Namespace=cloud.app,
            MetricName="PagesProcessed",
            Dimensions=[
                {"Name": "env", "Value": cloud.env},
                {"Name": "service", "Value": "process"},
            ],
            StartTime=since - timedelta(minutes=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        pages = sum(point["Sum"] for point in found)
        if pages:
            return f"PagesProcessed: {pages:.0f}"
        sleep(POLL_SECONDS)
    raise ClaimFailedError(f"PagesProcessed did not arrive within {METRIC_SECONDS:.0f} s")


def alarms_have_a_state(cloud: Cloud) -> str:
    """Read the state of every alarm; one that is on is not what was deployed."""
    _require_aws(cloud, "the local AWS does not evaluate alarms")
    _require(cloud, "monitoring")
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms")
    states: dict[str, str] = {
        alarm["AlarmName"]: alarm["StateValue"]
        for page in pages.paginate(AlarmNamePrefix=f"{cloud.app}-{cloud.env}-")
        for alarm in page["MetricAlarms"]
    }
    if not states:
        raise ClaimFailedError("there are no alarms")
    on = sorted(name for name, state in states.items() if state == "ALARM")
    wrong = [name for name in on if not name.endswith(EXPECTED_ALARMS)]
    if wrong:
        raise ClaimFailedError(f"in alarm: {', '.join(wrong)}")
    return f"{len(states)} alarms; on, as expected: {', '.join(on) or 'none'}"


def roles_are_denied(cloud: Cloud) -> str:
    """Ask IAM whether the deployed roles may do what they must not."""
    _require_aws(cloud, "this local AWS does not enforce IAM")
    bucket = cloud.parameter("foundation/data-bucket")
    partition = cloud.client("sts").get_caller_identity()["Arn"].split(":")[1]
    for unit, logical, action, key in DENIED:
        role = _role(cloud, unit, logical)
        answer = cloud.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=[action],
            ResourceArns=[f"arn:{partition}:s3:::{bucket}/{key}"],
        )
        decision = answer["EvaluationResults"][0]["EvalDecision"]
        if decision == "allowed":
            raise ClaimFailedError(f"{unit} {logical} may {action} {key}")
    return f"{len(DENIED)} actions, all denied"


def _role(cloud: Cloud, unit: str, logical: str) -> str:
    found: dict[str, Any] = cloud.client("cloudformation").describe_stack_resource(
        StackName=deployment.stack_name(cloud, unit), LogicalResourceId=logical
    )
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    return str(cloud.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def _require(cloud: Cloud, unit: str) -> None:
    if stacks.describe(cloud, deployment.stack_name(cloud, unit)) is None:
        raise UnavailableError(f"the unit {unit} is not deployed")


def _require_aws(cloud: Cloud, reason: str) -> None:
    if cloud.is_local:
        raise UnavailableError(reason)
