"""What is sent again, what is never lost, and what is said of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.aws import Cloud
from lake.errors import (
    ReplayError,
    RunFailedError,
    UnknownTableError,
    UnreadableObjectError,
)
from lake.operations.replay import dead_letters, selection
from lake.operations.replay.command import Replay, ReplayResult, RunChange, checked_service
from lake.operations.replay.conftest import ReplayLake
from lake.operations.replay.selection import Selection, quarantined_pages, raw_pages
from lake.operations.replay.sending import event_of
from lake.operations.replay.states import LedgerState
from lake.testing.lakes import BUCKET
from schemas.events import S3ObjectCreated
from schemas.keys import RawKey, manifest_key, processed_ledger_key

RUN, OTHER = "20261123T060000Z", "20261124T060000Z"
LOVE, LOVE_2 = RawKey.of(RUN, "love", 0), RawKey.of(RUN, "love", 500)
NINETIES = RawKey.of(RUN, "love?published_in=1990-1999", 0)
PARIS = RawKey.of(OTHER, "place:paris", 0)


@contextlib.contextmanager
def step(_title: str) -> Iterator[Callable[[str], None]]:
    yield lambda _detail: None


def replay(lake: ReplayLake, **options: bool) -> Replay:
    return Replay(lake.cloud, step, **options)


def quarantine_has(monkeypatch: pytest.MonkeyPatch, *rows: tuple[str, str, int]) -> list[str]:
    asked: list[str] = []

    def query(_cloud: Any, sql: str) -> Any:
        asked.append(sql)
        return SimpleNamespace(rows=list(rows))

    monkeypatch.setattr(selection, "run_query", query)
    return asked


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"day": date(2026, 11, 23)}, [LOVE, LOVE_2, NINETIES]),
        ({"run_id": OTHER}, [PARIS]),
        ({"subject": "Place: Paris"}, [PARIS]),
        ({"subject": "love"}, [LOVE, LOVE_2, NINETIES]),
        ({"day": date(2026, 11, 24), "subject": "love"}, []),
        ({"day": date(2026, 11, 24), "run_id": RUN}, []),
    ],
)
def test_raw_pages_are_chosen_by_day_run_and_subject(
    lake: ReplayLake, options: dict[str, Any], expected: list[RawKey]
) -> None:
    for page in (LOVE, LOVE_2, NINETIES, PARIS):
        lake.put(page.key)
    lake.put("raw_data/subjects/ingest_date=2026-11-23/stray.txt")

    found = raw_pages(
        lake.cloud, BUCKET, **{"day": None, "run_id": None, "subject": None, **options}
    )

    assert sorted(found.keys) == sorted(page.key for page in expected)


def test_all_raw_pages_are_never_meant(lake: ReplayLake) -> None:
    on_aws = Cloud(env="dev", _clients={"s3": lake.cloud.client("s3")})
    with pytest.raises(ReplayError, match="--date, --run or --subject") as caught:
        raw_pages(on_aws, BUCKET, day=None, run_id=None, subject=None)
    assert "'./lake status --env dev'" in caught.value.hint


@pytest.mark.parametrize("subject", ["", "place:", "#"])
def test_a_name_of_no_subject_is_refused(lake: ReplayLake, subject: str) -> None:
    with pytest.raises(ReplayError, match="nothing is left of the subject"):
        raw_pages(lake.cloud, BUCKET, day=None, run_id=None, subject=subject)


def test_quarantined_records_name_their_pages(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = quarantine_has(
        monkeypatch,
        (LOVE_2.key, "record.field_type", 3),
        (LOVE.key, "record.field_type", 2),
        (LOVE.key, "record.invalid_key", 7),
        ("raw_data/dumps/ol_dump.txt.gz", "record.field_type", 4),
    )

    found = quarantined_pages(lake.cloud, reason="record.field_type", run_id=RUN)

    assert (found.keys, found.records) == ([LOVE.key, LOVE_2.key], 5)
    assert found.remarks[0].startswith("4 quarantined records are not of raw pages")
    assert f"WHERE run_id = '{RUN}'" in asked[0]


def test_a_misspelt_reason_is_answered_with_the_one_that_was_meant(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine_has(monkeypatch, (LOVE.key, "record.field_type", 2))

    with pytest.raises(ReplayError) as caught:
        quarantined_pages(lake.cloud, reason="record.field_typ", run_id=None)

    assert "Did you mean record.field_type?" in caught.value.hint


@pytest.mark.parametrize("reason", ["record.invalid_text", "page.not_gzip"])
def test_a_reason_that_is_gone_selects_nothing(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    quarantine_has(monkeypatch, (LOVE.key, "record.invalid_key", 2), (LOVE.key, "page.html", 1))

    assert quarantined_pages(lake.cloud, reason=reason, run_id=None).keys == []


def test_a_lake_without_a_quarantine_selects_nothing(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def query(*_: Any) -> Any:
        raise UnknownTableError("There is no table quarantine.")

    monkeypatch.setattr(selection, "run_query", query)

    assert quarantined_pages(lake.cloud, reason="record.invalid", run_id=None).keys == []


@pytest.mark.parametrize("text", ["x' OR '1' = '1", "20261123T060000Z'"])
def test_no_text_of_the_user_reaches_the_statement(lake: ReplayLake, text: str) -> None:
    with pytest.raises(ReplayError, match="is not a run id"):
        quarantined_pages(lake.cloud, reason=None, run_id=text)


def test_an_event_is_one_that_process_reads() -> None:
    event = S3ObjectCreated.model_validate_json(event_of("data", LOVE.key))

    assert (event.bucket, event.key, event.detail_type) == ("data", LOVE.key, "Object Created")


def test_after_a_contract_was_mended_records_leave_the_quarantine(lake: ReplayLake) -> None:
    # GIVEN a finished run, of whose records a release rejected too many
    for page in (LOVE, LOVE_2):
        lake.add_page(page)
    lake.put(manifest_key(RUN))
    lake._sum_up(RUN)
    # WHEN a fixed release is deployed, and the pages are replayed
    lake.rejects = 0
    result = replay(lake).pages(Selection([LOVE.key, LOVE_2.key], 4))
    # THEN the outcome is told in records, rows and ledgers
    assert (result.sent, result.changed) == (2, 2)
    assert (result.left_quarantine, result.entered_quarantine) == (4, 0)
    assert (result.rows_before, result.rows_after) == (16, 20)
    assert result.runs == {
        RUN: RunChange(LedgerState(2, 20, 16, 4, 0), LedgerState(2, 20, 20, 0, 0))
    }
    # AND the manifest came last, when every page was done
    assert lake.processed == [LOVE.key, LOVE_2.key, manifest_key(RUN)]


def test_a_damaged_receipt_is_written_anew(lake: ReplayLake) -> None:
    lake.add_page(LOVE)
    lake.put(LOVE.receipt_key, "{")

    result = replay(lake).pages(Selection([LOVE.key]))

    assert (result.sent, result.changed, result.rows_after) == (1, 1, 8)


def test_over_a_damaged_ledger_nothing_is_sent(lake: ReplayLake) -> None:
    lake.add_page(LOVE)
    lake.put(processed_ledger_key(RUN), "{")

    with pytest.raises(UnreadableObjectError, match="processed.json cannot be read"):
        replay(lake).pages(Selection([LOVE.key]))

    assert lake.processed == []


def test_a_second_replay_changes_nothing(lake: ReplayLake) -> None:
    lake.add_page(LOVE)
    lake.put(manifest_key(RUN))
    lake._sum_up(RUN)

    result = replay(lake).pages(Selection([LOVE.key]))

    assert (result.sent, result.changed, result.left_quarantine) == (1, 0, 0)
    assert result.runs[RUN].before == result.runs[RUN].after
    assert lake.processed == [LOVE.key]


def test_a_page_that_was_rejected_whole_counts_as_one_record(lake: ReplayLake) -> None:
    lake.rejects = 10
    lake.add_page(LOVE)
    lake.rejects = 3

    result = replay(lake).pages(Selection([LOVE.key]))

    assert (result.left_quarantine, result.entered_quarantine) == (0, 2)
    assert (result.rows_before, result.rows_after) == (0, 7)


def test_a_dry_run_sends_nothing(lake: ReplayLake) -> None:
    result = replay(lake, dry_run=True).pages(Selection([LOVE.key]))

    assert (result.objects, result.sent) == ([LOVE.key], 0)
    assert lake.depth("process/queue-url") == 0


def test_without_waiting_the_pages_are_in_the_queue(lake: ReplayLake) -> None:
    keys = [RawKey.of(RUN, "love", offset).key for offset in range(0, 12_500, 500)]

    result = replay(lake, wait=False).pages(Selection(keys))

    assert (result.sent, result.waited) == (25, False)
    assert lake.depth("process/queue-url") == 25


def test_pages_that_fail_again_are_an_error(lake: ReplayLake) -> None:
    lake.poison = lambda key: key == LOVE.key

    with pytest.raises(RunFailedError, match="queue of process has 1 more than before") as caught:
        replay(lake).pages(Selection([LOVE.key, LOVE_2.key]))

    assert "./lake logs process" in caught.value.hint


def test_dead_letters_go_back_once_and_their_run_is_summed_up(lake: ReplayLake) -> None:
    lake.put(manifest_key(RUN))
    for key in (LOVE.key, LOVE_2.key, manifest_key(RUN)):
        lake.send("process/dlq-url", event_of(BUCKET, key))

    result = replay(lake).dead_letters_of_process()

    assert sorted(result.objects) == sorted([LOVE.key, LOVE_2.key, manifest_key(RUN)])
    assert lake.depth("process/dlq-url") == 0
    assert (result.changed, result.rows_after) == (2, 16)
    after = result.runs[RUN].after
    assert after is not None
    assert (after.pages, after.rows) == (2, 16)
    # AND a second time there is nothing
    again = replay(lake).dead_letters_of_process()
    assert (again.objects, again.sent) == ([], 0)


def test_a_dry_run_leaves_the_dead_letters_where_they_are(lake: ReplayLake) -> None:
    lake.send("process/dlq-url", event_of(BUCKET, LOVE.key))
    lake.send("process/dlq-url", "not an event")

    result = replay(lake, dry_run=True).dead_letters_of_process()

    assert sorted(result.objects) == sorted([LOVE.key, "not an event"])
    assert lake.processed == []
    assert lake.depth("process/dlq-url") == 2


def test_a_dead_letter_is_not_deleted_before_it_is_sent(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.send("process/dlq-url", event_of(BUCKET, LOVE.key))

    def refused(**_: Any) -> Any:
        return {"Failed": [{"Id": "0", "Code": "InternalError", "Message": "try later"}]}

    monkeypatch.setattr(lake.cloud.client("sqs"), "send_message_batch", refused)

    with pytest.raises(ReplayError, match="did not take 1 of 1 messages: try later"):
        dead_letters.moved(lake.cloud, lambda _detail: None)

    assert lake.depth("process/dlq-url") == 1


def many_dead_letters(lake: ReplayLake, queue: str = "process/dlq-url") -> list[str]:
    keys = [RawKey.of(RUN, "love", offset).key for offset in range(0, 12_500, 500)]
    for key in keys:
        lake.send(queue, event_of(BUCKET, key))
    return keys


def test_all_dead_letters_are_moved_whatever_sqs_estimates(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = many_dead_letters(lake)
    with monkeypatch.context() as patch:
        for target in ("lake.runs.crawl", "lake.operations.replay.dead_letters"):
            patch.setattr(f"{target}.dead_letters", lambda *_: 5, raising=False)
        result = replay(lake, wait=False).dead_letters_of_process()

    assert sorted(result.objects) == keys
    assert result.sent == lake.depth("process/queue-url") == 25
    assert lake.depth("process/dlq-url") == 0


def test_a_dead_letter_that_comes_back_at_once_is_moved_once(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = many_dead_letters(lake)

    def fail(_cloud: Any, bodies: Sequence[str]) -> None:
        for body in bodies:
            lake.send("process/dlq-url", body)

    monkeypatch.setattr(dead_letters, "send_bodies", fail)
    found = dead_letters.moved(lake.cloud, lambda _detail: None)

    assert sorted(letter.text for letter in found) == keys
    assert sorted(letter.text for letter in dead_letters.listed(lake.cloud, "process")) == keys


def test_a_listing_that_takes_longer_than_its_hold_names_each_dead_letter_once(
    lake: ReplayLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_dead_letters(lake)
    sqs = lake.cloud.client("sqs")
    refusal = {"Code": "MessageNotInflight", "Message": "It is not in flight."}

    def refused(**_: Any) -> Any:
        raise ClientError({"Error": refusal}, "ChangeMessageVisibility")

    def refused_each(Entries: Sequence[Any], **_: Any) -> Any:  # noqa: N803 (as boto3 has it)
        return {"Failed": [{"Id": one["Id"], **refusal} for one in Entries]}

    monkeypatch.setattr(dead_letters, "HOLD_SECONDS", 0)
    monkeypatch.setattr(sqs, "change_message_visibility", refused)
    monkeypatch.setattr(sqs, "change_message_visibility_batch", refused_each)

    names = [letter.text for letter in dead_letters.listed(lake.cloud, "process")]

    assert names
    assert len(names) == len(set(names))
    assert lake.depth("process/dlq-url") == 25


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("process", Replay.dead_letters_of_process),
        ("ingest", lambda call: call.notices("ingest", discard=True)),
    ],
)
def test_a_dead_letter_that_is_not_deleted_is_an_error(
    lake: ReplayLake,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    call: Callable[[Replay], ReplayResult],
) -> None:
    many_dead_letters(lake, f"{service}/dlq-url")

    def refused(**_: Any) -> Any:
        return {"Failed": [{"Id": "0", "Code": "InternalError", "Message": "try later"}]}

    monkeypatch.setattr(lake.cloud.client("sqs"), "delete_message_batch", refused)

    with pytest.raises(ReplayError, match="did not delete 1 of 10 dead letters: try later"):
        call(replay(lake))


def test_notices_are_listed_and_removed_only_if_asked(lake: ReplayLake) -> None:
    failed = {"responsePayload": {"errorMessage": "SUBJECTS is wrong"}}
    job = {"detail": {"jobName": "etl", "state": "FAILED", "message": "rules.failed"}}
    lake.send("ingest/dlq-url", json.dumps(failed))
    lake.send("glue_etl/dlq-url", json.dumps(job))

    listed = replay(lake).notices("ingest", discard=False)
    assert listed.objects == ["SUBJECTS is wrong"]
    assert "--discard" in listed.remarks[0]
    assert replay(lake, dry_run=True).notices("glue_etl", discard=True).objects == [
        "etl FAILED rules.failed"
    ]
    assert (lake.depth("ingest/dlq-url"), lake.depth("glue_etl/dlq-url")) == (1, 1)

    replay(lake).notices("ingest", discard=True)
    assert (lake.depth("ingest/dlq-url"), lake.depth("glue_etl/dlq-url")) == (0, 1)


def test_a_service_without_dead_letters_is_refused() -> None:
    with pytest.raises(ReplayError, match="'proces' has no dead letters"):
        checked_service("proces")


def test_a_run_without_a_ledger_says_so(lake: ReplayLake) -> None:
    lake.add_page(LOVE)

    result = replay(lake).pages(Selection([LOVE.key]))

    assert result.runs == {RUN: RunChange(None, None)}
    assert "Contents" not in lake.cloud.client("s3").list_objects_v2(
        Bucket=BUCKET, Prefix=processed_ledger_key(RUN)
    )
