"""An environment is taken down, deployed again over what stayed, and taken down with its data."""

import io
from typing import Any

from rich.console import Console

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.destroy.command import DestroyRequest, destroy
from lake.deploy.parameters import LOCAL
from lake.operations.check.command import check_lake
from openlibrary_standin import StandInConfig
from tests.e2e.conftest import PROJECT
from tests.e2e.crawls import run_lake, serving


def take_down(cloud: Cloud, *, data: bool) -> bool:
    request = DestroyRequest(data=data, confirm=False)
    return destroy(cloud, request, Console(file=io.StringIO())).done


def left(cloud: Cloud) -> dict[str, list[Any]]:
    """Return what there is of the kinds of resources that the lake makes."""

    def ask(service: str, operation: str, key: str) -> list[Any]:
        found: list[Any] = getattr(cloud.client(service), operation)().get(key, [])
        return found

    return {
        "buckets": ask("s3", "list_buckets", "Buckets"),
        "functions": ask("lambda", "list_functions", "Functions"),
        "mappings": ask("lambda", "list_event_source_mappings", "EventSourceMappings"),
        "queues": ask("sqs", "list_queues", "QueueUrls"),
        "parameters": ask("ssm", "describe_parameters", "Parameters"),
        "rules": ask("events", "list_rules", "Rules"),
        "schedules": ask("scheduler", "list_schedules", "Schedules"),
        "topics": ask("sns", "list_topics", "Topics"),
        "roles": ask("iam", "list_roles", "Roles"),
        "databases": ask("glue", "get_databases", "DatabaseList"),
        "log groups": ask("logs", "describe_log_groups", "logGroups"),
    }


def test_an_environment_is_taken_down_without_and_with_its_data(cloud: Cloud, bucket: str) -> None:
    # GIVEN a lake with a run, whose dead letters somebody has deleted by hand
    with serving(StandInConfig(works=600)) as url:
        first, _ = run_lake(cloud, bucket, url, ["love"])
    cloud.client("sqs").delete_queue(QueueUrl=cloud.parameter("ingest/dlq-url"))

    # WHEN it is taken down THEN its data stay
    assert take_down(cloud, data=False)
    stays = left(cloud)
    assert stays["queues"] == stays["mappings"] == stays["schedules"] == []
    assert [found["FunctionName"] for found in stays["functions"]] == [
        "openlake-local-release-check"
    ]
    assert check_lake(cloud, None, everything=True, say=print).ok

    # WHEN it is deployed again THEN it goes on with them
    (process,) = units.select(["process"])
    deployment.deploy_unit(cloud, PROJECT, process, LOCAL["process"], print)
    with serving(StandInConfig(works=600, revision=1)) as url:
        second, _ = run_lake(cloud, bucket, url, ["love"])
    found = check_lake(cloud, None, everything=True, say=print)
    assert found.ok
    assert set(found.runs) == {first.run_id, second.run_id}

    # WHEN it is taken down with its data THEN nothing is left, and a second call has nothing to do
    assert take_down(cloud, data=True)
    assert {kind: names for kind, names in left(cloud).items() if names} == {}
    assert take_down(cloud, data=True)
