from __future__ import annotations

import json

import pytest

from process.errors import CatalogueError
from process.logic.batch import Batch
from process.testing.fakes import IMPATIENT, LIMITS, Lake, MemoryQueue
from process.testing.pages import BUCKET, RUN, make_batch, make_event, make_page, make_work, packed
from schemas.keys import RawKey
from schemas.tables import Table

PAGE = RawKey.of(RUN, "love", 0)

POISON = {
    "no JSON": "nonsense",
    "no event": "{}",
    "another event": json.dumps({"source": "aws.ec2", "detail-type": "x", "detail": {}}),
    "a foreign bucket": make_event(PAGE.key, bucket="other"),
    "another object": make_event("state/ingest.json"),
    "a ledger": make_event(f"runs/run_id={RUN}/processed.json"),
    "a gone page": make_event(RawKey.of(RUN, "gone", 0).key),
    "an empty body": "",
}


def process(lake: Lake, *bodies: str) -> list[str]:
    return Batch(lake.outputs, LIMITS, BUCKET, MemoryQueue(), IMPATIENT).process(
        make_batch(*bodies)
    )


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_a_poison_message_fails_alone(lake: Lake, poison: str) -> None:
    lake.put_raw(packed(make_page(make_work())))

    failed = process(lake, poison, make_event(PAGE.key), poison)

    assert failed == ["m0", "m2"]
    assert PAGE.receipt_key in lake.store.objects


def test_a_message_without_a_body_fails_alone(lake: Lake) -> None:
    assert Batch(lake.outputs, LIMITS, BUCKET, MemoryQueue(), IMPATIENT).process(
        [{"messageId": "m"}]
    ) == ["m"]


def test_a_bad_page_is_no_failure(lake: Lake) -> None:
    lake.put_raw(b"nonsense")

    assert process(lake, make_event(PAGE.key)) == []


def test_an_empty_batch_is_done(lake: Lake) -> None:
    assert process(lake) == []


def test_an_unforeseen_error_fails_its_message_only(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(table: Table, ingest_date: str) -> None:
        raise RecursionError

    lake.put_raw(packed(make_page(make_work())))
    monkeypatch.setattr(lake.tables, "register", fail)

    assert process(lake, make_event(PAGE.key)) == ["m0"]


def test_a_page_that_fails_half_way_has_no_receipt(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(table: Table, ingest_date: str) -> None:
        raise CatalogueError("throttled")

    lake.put_raw(packed(make_page(make_work())))
    with monkeypatch.context() as broken:
        broken.setattr(lake.tables, "register", fail)
        assert process(lake, make_event(PAGE.key)) == ["m0"]
    assert PAGE.receipt_key not in lake.store.objects

    assert process(lake, make_event(PAGE.key)) == []
    assert PAGE.receipt_key in lake.store.objects
