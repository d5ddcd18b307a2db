"""Alarms that roll a release back."""

from lake.aws import Cloud
from lake.errors import NotDeployedError

# CloudFormation takes no more triggers than this.
MOST_TRIGGERS = 5


def rollback_alarms(cloud: Cloud, unit: str) -> list[str]:
    """Return the ARNs of the alarms that roll a change of a unit back.

    There are none before `monitoring` is deployed, for units that it does not watch, and on the
    local AWS, whose alarms have no state. An alarm that is already in ALARM is left out: with it,
    the change that fixes its cause could not be deployed.
    """
    if cloud.is_local:
        return []
    try:
        listed = cloud.parameter(f"monitoring/{unit}-rollback-alarms")
    except NotDeployedError:
        return []
    arns = [arn for arn in listed.split(",") if arn]
    names = [arn.partition(":alarm:")[2] for arn in arns]
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    healthy = {alarm["AlarmArn"] for alarm in found if alarm["StateValue"] != "ALARM"}
    return [arn for arn in arns if arn in healthy][:MOST_TRIGGERS]
