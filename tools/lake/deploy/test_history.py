import io
import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lake.aws import Cloud
from lake.deploy import history
from lake.errors import DeployError

COMMIT = "c0ffee" * 6 + "c0ff"


class FakeAws:
    """An artifact bucket, and the parameter that names it."""

    exceptions = SimpleNamespace(ParameterNotFound=KeyError)

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_parameter(self, **_request: str) -> dict[str, Any]:
        return {"Parameter": {"Value": "artifacts"}}

    def put_object(self, **request: Any) -> None:
        self.objects[request["Key"]] = request["Body"]

    def get_object(self, **request: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[request["Key"]])}

    def get_paginator(self, _operation: str) -> Any:
        def pages(**request: str) -> Iterator[dict[str, Any]]:
            for key in sorted(self.objects):
                if key.startswith(request["Prefix"]):
                    yield {"Contents": [{"Key": key}]}

        return SimpleNamespace(paginate=pages)


@pytest.fixture
def cloud() -> Cloud:
    """An environment in which nothing was deployed."""
    fake = FakeAws()
    return Cloud(env="dev", _clients={"s3": fake, "ssm": fake})


def release(cloud: Cloud, key: str, commit: str = "") -> dict[str, str]:
    parameters = {"ArtifactKey": key, "Env": "dev"}
    history.record(cloud, "process", history.Release("template", parameters, commit))
    return parameters


def test_a_rollback_goes_to_the_release_before(cloud: Cloud) -> None:
    first = release(cloud, "1.zip", COMMIT)
    second = release(cloud, "2.zip")
    release(cloud, "2.zip")
    found = history.previous(cloud, "process", second)
    assert (found.parameters, found.commit) == (first, COMMIT)


def go_back(cloud: Cloud, current: dict[str, str]) -> dict[str, str]:
    """Roll process back as a deployment does; return its parameters then."""
    found = history.previous(cloud, "process", current)
    history.record(cloud, "process", found)
    return dict(found.parameters)


def test_a_second_rollback_goes_further_back_and_never_forward(cloud: Cloud) -> None:
    # GIVEN three releases
    first, second, third = (release(cloud, f"{number}.zip") for number in (1, 2, 3))

    # WHEN it is rolled back again and again
    assert go_back(cloud, third) == second
    assert go_back(cloud, second) == first

    # THEN it ends at the first
    with pytest.raises(DeployError, match="no earlier release of process"):
        go_back(cloud, first)


def test_a_release_after_a_rollback_can_be_rolled_back_to_the_restored_one(cloud: Cloud) -> None:
    first, second = (release(cloud, f"{number}.zip") for number in (1, 2))
    assert go_back(cloud, second) == first
    fourth = release(cloud, "4.zip")

    assert go_back(cloud, fourth) == first


def test_the_target_of_a_rollback_is_described(cloud: Cloud) -> None:
    release(cloud, "1.zip", COMMIT)
    second = release(cloud, "2.zip")

    text = history.describe(history.previous(cloud, "process", second))

    assert re.fullmatch(r"deployed \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, commit c0ffeec0ff", text)


def test_the_first_release_cannot_be_rolled_back(cloud: Cloud) -> None:
    first = release(cloud, "1.zip")
    with pytest.raises(DeployError, match="no earlier release of process"):
        history.previous(cloud, "process", first)


def test_the_commit_is_that_of_the_package_that_is_deployed(cloud: Cloud) -> None:
    release(cloud, "1.zip")
    second = release(cloud, "2.zip", COMMIT)
    assert history.commit(cloud, "process", second) == COMMIT


def test_the_commit_of_another_package_does_not_count(cloud: Cloud) -> None:
    first = release(cloud, "1.zip")
    release(cloud, "2.zip", COMMIT)
    for deployed in (first, {}):
        assert history.commit(cloud, "process", deployed) == ""


def test_releases_recorded_without_a_commit_are_read(cloud: Cloud) -> None:
    parameters = {"ArtifactKey": "1.zip"}
    old = {"template": "template", "parameters": parameters}
    key = "releases/openlake-dev/process/20260101T000000000000Z.json"
    cloud.client("s3").put_object(Key=key, Body=json.dumps(old).encode())
    assert history.commit(cloud, "process", parameters) == ""
