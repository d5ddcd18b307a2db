"""The acceptance test that the product carries: passed by a good lake, failed by a broken one."""

import pytest

from lake.aws import Cloud
from lake.objects import object_keys
from lake.operations.verify.command import verify
from lake.operations.verify.probe import SUBJECT
from lake.runs.ledger import run_ids
from tests.e2e.crawls import wait_for

SHOWN_LOCALLY = {
    "page-becomes-rows",
    "page-is-written-once",
    "repeated-event-changes-nothing",
    "poison-is-quarantined",
}


def outcomes(cloud: Cloud) -> dict[str, str]:
    return {item.claim: item.outcome for item in verify(cloud, [], lambda _: None).claims}


def test_a_good_lake_passes_and_what_cannot_be_seen_is_said(cloud: Cloud, bucket: str) -> None:
    report = verify(cloud, [], lambda _: None)

    assert report.ok, report
    assert {item.claim for item in report.claims if item.outcome == "shown"} == SHOWN_LOCALLY
    unseen = {item.claim: item.detail for item in report.claims if item.outcome == "unavailable"}
    assert len(unseen) == 6
    assert all(unseen.values())

    # AND nothing of it is left
    assert report.removed > 0
    assert not [key for key in object_keys(cloud, bucket, "") if SUBJECT in key]
    assert report.run_id not in run_ids(cloud, bucket)


def test_a_lake_whose_events_do_not_arrive_fails(
    cloud: Cloud, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a lake whose event rule is switched off
    monkeypatch.setattr("lake.operations.verify.probe.TIMEOUT_SECONDS", 3.0)
    rule = f"{cloud.app}-{cloud.env}-process-raw-page"
    cloud.client("events").disable_rule(Name=rule)
    try:
        found = outcomes(cloud)
    finally:
        cloud.client("events").enable_rule(Name=rule)

    assert found["page-becomes-rows"] == found["poison-is-quarantined"] == "failed"
    assert found["page-is-written-once"] == "shown"
    wait_for(lambda: not [k for k in object_keys(cloud, bucket, "") if SUBJECT in k], "no object")
