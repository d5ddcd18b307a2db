import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lake.aws import Cloud
from lake.cli import targets
from lake.cli.conftest import Lake
from lake.local.local_aws import free_port
from lake.project import current_project


class Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}


def test_account_and_region_are_shown_before_a_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    dev = Cloud(env="dev", _clients={"sts": Sts()})
    monkeypatch.setattr(targets, "cloud_of", lambda *_: dev)

    assert targets.cloud_to_change(current_project(), "dev") is dev

    shown = capsys.readouterr().err
    assert shown == "Environment dev in AWS account 123456789012, region eu-west-1\n"


def test_the_local_aws_needs_no_announcement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(targets, "cloud_of", lambda *_: Cloud(endpoint="http://127.0.0.1:1"))

    targets.cloud_to_change(current_project(), None)

    assert capsys.readouterr().err == ""


@pytest.fixture
def moto() -> Iterator[str]:
    """The URL of an emulator that somebody runs."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def test_an_emulator_that_runs_is_used_and_named(
    command_line: Lake, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_option = command_line("--endpoint", moto, "status", "--json")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    by_variable = command_line("status", "--json")

    for ended in (by_option, by_variable):
        assert ended.code == 0
        assert f"Emulator at {moto}" in ended.err
        assert json.loads(ended.out)["endpoint"] == moto


def test_an_emulator_that_does_not_run_is_said(command_line: Lake) -> None:
    ended = command_line("--endpoint", f"http://127.0.0.1:{free_port()}", "status")

    assert ended.code == 1
    assert "Nothing answers at http://127.0.0.1:" in ended.err


@pytest.mark.parametrize("words", [("status",), ("demo", "--no-etl"), ("up",)])
def test_aws_is_never_taken_for_an_emulator(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.eu-central-1.amazonaws.com")

    ended = command_line(*words)

    assert ended.code == 1
    assert "is AWS, and not an emulator" in ended.err


def test_an_emulator_is_never_taken_for_aws(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    ended = command_line("deploy", "--env", "dev", "--yes")

    assert ended.code == 1
    assert "--env means AWS" in ended.err


def test_an_endpoint_of_the_profile_is_never_taken_for_aws(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "aws-config"
    config.write_text("[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:4566\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    ended = command_line("status", "--env", "dev")

    assert ended.code == 1
    assert "is http://127.0.0.1:4566" in ended.err


def test_an_endpoint_elsewhere_must_be_given_to_this_command(
    command_line: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = "http://emulator.invalid:4566"
    monkeypatch.setenv("AWS_ENDPOINT_URL", elsewhere)
    monkeypatch.setattr("lake.web.responds", lambda _url: False)

    by_variable = command_line("status")
    by_option = command_line("--endpoint", elsewhere, "status")

    assert "may be an emulator or a way to AWS" in by_variable.err
    assert f"Nothing answers at {elsewhere}" in by_option.err


def test_an_endpoint_and_an_environment_are_two_targets(command_line: Lake) -> None:
    ended = command_line("--endpoint", "http://127.0.0.1:4566", "status", "--env", "dev")

    assert ended.code == 2
    assert "two targets" in ended.err


def test_an_emulator_of_the_user_is_not_started(command_line: Lake) -> None:
    ended = command_line("--endpoint", "http://127.0.0.1:4566", "up")

    assert ended.code == 1
    assert "nothing to start" in ended.err
