import io
import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lake.aws import Cloud
from lake.deploy import history
from lake.errors import DeployError, UnreadableObjectError

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


def release(
    cloud: Cloud, key: str, commit: str = "", template: str = "template"
) -> history.Release:
    """Record a release; return what the stack is made from then."""
    parameters = {"ArtifactKey": key, "Env": "dev"}
    history.record(cloud, "process", history.Release(template, parameters, commit))
    return history.Release(template, parameters)


def keys_of(cloud: Cloud) -> list[tuple[str, str]]:
    """Return the package of each recorded release, oldest first, and of the one it restored."""
    fake = cloud.client("s3")
    found = {
        key.rpartition("/")[2].removesuffix(".json"): history.Release(**json.loads(body))
        for key, body in sorted(fake.objects.items())
    }
    return [
        (
            item.parameters["ArtifactKey"],
            found[item.restores].parameters["ArtifactKey"] if item.restores else "",
        )
        for item in found.values()
    ]


def test_a_rollback_goes_to_the_release_before(cloud: Cloud) -> None:
    first = release(cloud, "1.zip", COMMIT)
    second = release(cloud, "2.zip")
    release(cloud, "2.zip")
    found = history.previous(cloud, "process", second)
    assert (found.parameters, found.commit) == (first.parameters, COMMIT)


def go_back(cloud: Cloud, current: history.Release) -> history.Release:
    """Roll process back as a deployment does; return what its stack is made from then."""
    found = history.previous(cloud, "process", current)
    history.record(cloud, "process", found)
    return history.Release(found.template, found.parameters)


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


def test_a_rollback_that_was_interrupted_is_gone_on_from(cloud: Cloud) -> None:
    # GIVEN three releases, and a rollback to the second that was not recorded
    first, second, _ = (release(cloud, f"{number}.zip") for number in (1, 2, 3))

    assert go_back(cloud, second) == first


def test_what_an_interrupted_rollback_restored_is_recorded_as_restored(cloud: Cloud) -> None:
    first, second, _ = (release(cloud, f"{number}.zip") for number in (1, 2, 3))

    fourth = history.Release("template", {"ArtifactKey": "4.zip", "Env": "dev"})
    history.catch_up(cloud, "process", second, fourth)
    release(cloud, "4.zip")

    assert keys_of(cloud)[3:] == [("2.zip", "2.zip"), ("4.zip", "")]
    assert go_back(cloud, fourth) == second
    assert go_back(cloud, second) == first


def test_what_an_interrupted_deployment_left_is_recorded_once(cloud: Cloud) -> None:
    release(cloud, "1.zip")
    # With the defaults of the template, which nobody gave.
    second = history.Release("template", {"ArtifactKey": "2.zip", "Env": "dev", "BatchSize": "10"})
    planned = history.Release("template", {"ArtifactKey": "2.zip", "Env": "dev"}, COMMIT)

    for _ in range(2):
        history.catch_up(cloud, "process", second, planned)

    assert keys_of(cloud) == [("1.zip", ""), ("2.zip", "")]
    assert history.commit(cloud, "process", second.parameters) == COMMIT
    assert history.previous(cloud, "process", second).parameters["ArtifactKey"] == "1.zip"


def test_a_release_that_changed_the_template_alone_can_be_rolled_back(cloud: Cloud) -> None:
    first, second, third = (release(cloud, "1.zip", template=f"template {n}") for n in (1, 2, 3))

    assert go_back(cloud, third) == second
    assert go_back(cloud, second) == first


def test_a_template_is_recognised_as_cloudformation_returns_it(cloud: Cloud) -> None:
    first = release(cloud, "1.zip", template="# one\n")
    second = release(cloud, "1.zip", template="# café\n")

    assert go_back(cloud, history.Release("# caf?", second.parameters)) == first


def test_the_target_of_a_rollback_is_described(cloud: Cloud) -> None:
    release(cloud, "1.zip", COMMIT)
    second = release(cloud, "2.zip")

    text = history.describe(history.previous(cloud, "process", second))

    assert re.fullmatch(r"deployed \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, commit c0ffeec0ff", text)


def test_the_first_release_cannot_be_rolled_back(cloud: Cloud) -> None:
    first = release(cloud, "1.zip")
    with pytest.raises(DeployError, match="no earlier release of process") as caught:
        history.previous(cloud, "process", first)
    assert caught.value.hint.endswith(f"then {cloud.command('deploy process')}")


def test_the_commit_is_that_of_the_package_that_is_deployed(cloud: Cloud) -> None:
    release(cloud, "1.zip")
    second = release(cloud, "2.zip", COMMIT)
    assert history.commit(cloud, "process", second.parameters) == COMMIT


def test_the_commit_of_another_package_does_not_count(cloud: Cloud) -> None:
    first = release(cloud, "1.zip")
    release(cloud, "2.zip", COMMIT)
    for deployed in (first.parameters, {}):
        assert history.commit(cloud, "process", deployed) == ""


def test_releases_recorded_without_a_commit_are_read(cloud: Cloud) -> None:
    parameters = {"ArtifactKey": "1.zip"}
    old = {"template": "template", "parameters": parameters}
    key = "releases/openlake-dev/process/20260101T000000000000Z.json"
    cloud.client("s3").put_object(Key=key, Body=json.dumps(old).encode())
    assert history.commit(cloud, "process", parameters) == ""


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"other": 1}'])
def test_a_damaged_record_of_a_release_is_named(cloud: Cloud, body: bytes) -> None:
    release(cloud, "one.zip")
    objects = cloud.client("s3").objects
    (key,) = objects
    objects[key] = body

    with pytest.raises(UnreadableObjectError, match=f"s3://artifacts/{key} cannot be read"):
        history.commit(cloud, "process", {"ArtifactKey": "one.zip"})
