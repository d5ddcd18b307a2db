import pytest

from lake.aws import Cloud
from lake.cli import targets
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
