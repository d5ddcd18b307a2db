"""Schedule, ingest, raw page, event, process, catalogue, query: as deployed, on the local AWS."""

import contextlib
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lake.aws import Cloud
from lake.deploy import deployment, units
from lake.deploy.parameters import LOCAL
from lake.local.demo import summarise
from lake.objects import object_keys
from lake.operations.check.command import CheckResult, check_lake
from lake.operations.replay.command import Replay, ReplayResult
from lake.operations.replay.selection import quarantined_pages, raw_pages
from lake.query.execute import run_query
from lake.runs import crawl
from openlibrary_standin import StandInConfig
from schemas.keys import RawKey
from tests.e2e.conftest import PROJECT
from tests.e2e.crawls import (
    expected_positions,
    positions,
    run_lake,
    send_again,
    serving,
    wait_for,
)


def etags(cloud: Cloud, bucket: str, *prefixes: str) -> dict[str, tuple[str, str]]:
    """Return ETag and time of the last write of every object below the prefixes."""
    s3 = cloud.client("s3")
    found = {}
    for prefix in prefixes:
        for key in object_keys(cloud, bucket, prefix):
            head = s3.head_object(Bucket=bucket, Key=key)
            found[key] = (head["ETag"], head["ContentLength"])
    return found


def queue_is_empty(cloud: Cloud) -> bool:
    """Return whether nothing waits for process or is being worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.parameter("process/queue-url"), AttributeNames=names
    )
    return not any(int(found["Attributes"][name]) for name in names)


@contextlib.contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    print(title)
    yield print


@contextlib.contextmanager
def too_strict_release(cloud: Cloud) -> Iterator[None]:
    """Have a version of process serve that takes every page for too large, and roll it back."""
    functions, name = cloud.client("lambda"), cloud.parameter("process/function-name")
    good = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    found = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    strict = {"Variables": {**found, "MAX_PAGE_BYTES": "1000"}}
    functions.update_function_configuration(FunctionName=name, Environment=strict)
    bad = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=bad)
    yield
    # As docs/operations.md says: at once, by moving the alias.
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=good)


def replayed(cloud: Cloud, run_id: str) -> ReplayResult:
    selection = quarantined_pages(cloud, reason="page.too_large", run_id=run_id)
    return Replay(cloud, step).pages(selection)


def checked(cloud: Cloud, run_id: str) -> CheckResult:
    return check_lake(cloud, run_id, everything=False, say=print)


def test_each_captured_record_is_processed_or_in_quarantine_exactly_once(
    cloud: Cloud, bucket: str, captured_page: Path
) -> None:
    # GIVEN a source that serves a page of 1000 real works
    with serving(StandInConfig(captured={"love": captured_page})) as url:
        # WHEN the schedule's target is fired
        manifest, ledger = run_lake(cloud, bucket, url, ["love"])

    # THEN every record is a row or in quarantine, once
    # (1000 works on four pages, each of which repeats the last work of the one before)
    assert (manifest.totals.distinct, manifest.totals.fetched) == (1000, 1003)
    seen = positions(cloud, "crawled_works", manifest.run_id) + positions(
        cloud, "quarantine", manifest.run_id
    )
    assert seen == expected_positions(manifest)
    assert ledger.rows + ledger.quarantined == 1003


def test_a_catalogue_with_bad_records_reconciles(cloud: Cloud, bucket: str) -> None:
    # GIVEN a source of which one record in twenty breaks the contract
    config = StandInConfig(works=2000, bad_record_share=0.05)
    with serving(config) as url:
        manifest, ledger = run_lake(
            cloud, bucket, url, ["fantasy", "place:london", "no_such_thing"]
        )

    # THEN rows and quarantine add up to what came, and neither is empty
    summary = summarise(cloud, bucket, url, manifest, ledger)
    assert summary.records_raw == summary.rows_processed + summary.records_quarantined
    assert summary.rows_processed > 0
    assert summary.records_quarantined > 0
    assert [subject.status for subject in manifest.subjects] == ["complete", "complete", "empty"]


def test_a_delivery_that_is_repeated_changes_no_byte(cloud: Cloud, bucket: str) -> None:
    # GIVEN a processed run
    with serving(StandInConfig(works=1000)) as url:
        manifest, _ = run_lake(cloud, bucket, url, ["person:sherlock_holmes", "place:paris"])
    outputs = ("processed_data/", "quarantine_data/", "runs/")
    before = etags(cloud, bucket, *outputs)

    # WHEN all its events are delivered again, twice
    for subject in manifest.subjects:
        for page in subject.pages:
            send_again(cloud, bucket, page.key)
            send_again(cloud, bucket, page.key)
    wait_for(lambda: queue_is_empty(cloud), "the queue to be empty")

    # THEN every object is the same
    assert etags(cloud, bucket, *outputs) == before


def test_a_poison_object_is_kept_apart_and_the_rest_goes_on(cloud: Cloud, bucket: str) -> None:
    # GIVEN objects below raw_data/ that are no pages, put before a good run
    s3 = cloud.client("s3")
    run_id = "20200101T000000Z"
    not_json = RawKey.of(run_id, "poison", 0).key
    s3.put_object(Bucket=bucket, Key=not_json, Body=b"this is not gzip")
    html = RawKey.of(run_id, "poison", 500).key
    s3.put_object(Bucket=bucket, Key=html, Body=gzip.compress(b"<html>no</html>", mtime=0))

    # WHEN a run comes after them
    with serving(StandInConfig(works=1000)) as url:
        manifest, ledger = run_lake(cloud, bucket, url, ["person:napoleon"])

    # THEN the run is whole, and the poison is in quarantine with its reasons
    assert ledger.rows == manifest.totals.fetched
    sql = f"SELECT raw_key, reason_code FROM quarantine WHERE run_id = '{run_id}'"  # noqa: S608
    wait_for(lambda: len(run_query(cloud, sql).rows) == 2, "the poison in quarantine")
    assert {row[0] for row in run_query(cloud, sql).rows} == {not_json, html}


def test_what_a_bad_release_quarantined_is_brought_back_by_a_replay(
    cloud: Cloud, bucket: str
) -> None:
    # GIVEN a release that puts each page into quarantine, a run under it, and the roll-back
    with serving(StandInConfig(works=1000)) as url, too_strict_release(cloud):
        manifest, ledger = run_lake(cloud, bucket, url, ["fantasy", "person:napoleon"])
    pages, works = manifest.totals.pages, manifest.totals.fetched
    assert (ledger.rows, ledger.quarantined) == (0, pages)
    assert not checked(cloud, manifest.run_id).ok

    # WHEN what it quarantined is replayed
    result = replayed(cloud, manifest.run_id)

    # THEN all of it left the quarantine for the tables, once
    assert (result.records, result.sent, result.changed) == (pages, pages, pages)
    assert (result.left_quarantine, result.rows_before, result.rows_after) == (pages, 0, works)
    change = result.runs[manifest.run_id]
    assert change.before is not None
    assert change.after is not None
    assert (change.before.rows, change.before.quarantined) == (0, pages)
    assert (change.after.rows, change.after.quarantined) == (works, 0)
    assert positions(cloud, "crawled_works", manifest.run_id) == expected_positions(manifest)
    found = checked(cloud, manifest.run_id)
    assert found.ok, found.differences

    # AND a second time there is nothing to send
    assert replayed(cloud, manifest.run_id).objects == []
    # AND all raw pages once more change nothing
    selection = raw_pages(cloud, bucket, day=None, run_id=manifest.run_id, subject=None)
    again = Replay(cloud, step).pages(selection)
    assert (again.sent, again.changed) == (pages, 0)
    assert again.runs[manifest.run_id].before == again.runs[manifest.run_id].after


def test_dead_letters_are_moved_back_and_processed(cloud: Cloud, bucket: str) -> None:
    # GIVEN a processed run, one of whose pages lies among the dead letters, too
    with serving(StandInConfig(works=500)) as url:
        manifest, _ = run_lake(cloud, bucket, url, ["place:paris"])
    key = manifest.subjects[0].pages[0].key
    send_again(cloud, bucket, key, queue="process/dlq-url")
    wait_for(lambda: crawl.dead_letters(cloud, "process") == 1, "the dead letter")

    # WHEN it is moved back
    result = Replay(cloud, step).dead_letters_of_process()

    # THEN it was processed to what was there before
    assert (list(result.objects), result.sent, result.changed) == ([key], 1, 0)
    assert crawl.dead_letters(cloud, "process") == 0
    assert checked(cloud, manifest.run_id).ok
    assert Replay(cloud, step).dead_letters_of_process().objects == []


def test_an_event_that_cannot_be_understood_reaches_the_dead_letter_queue(
    cloud: Cloud, bucket: str
) -> None:
    # GIVEN a queue that hands a failed message out again at once
    sqs = cloud.client("sqs")
    url = cloud.parameter("process/queue-url")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})

    # WHEN a message arrives that is no event
    sqs.send_message(QueueUrl=url, MessageBody="not an event")

    # THEN it ends in the dead-letter queue
    wait_for(lambda: crawl.dead_letters(cloud, "process") == 1, "the dead letter")


@pytest.mark.parametrize("name", ["ingest", "process"])
def test_a_second_deployment_of_the_same_changes_nothing(cloud: Cloud, name: str) -> None:
    (unit,) = units.select([name])
    first = deployment.deploy_unit(cloud, PROJECT, unit, LOCAL[name], print)

    second = deployment.deploy_unit(cloud, PROJECT, unit, LOCAL[name], print)

    assert not second.changed
    assert second.outputs["FunctionVersion"] == first.outputs["FunctionVersion"]
