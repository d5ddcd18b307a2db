"""What lies there is what the receipt says, whoever else works on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cleaning.reasons import Reason
from process.errors import StorageError
from process.logic import stage
from process.logic.outputs import PageOutput
from process.logic.stage import process_page
from process.openlibrary.page import Page
from process.ports import StoredObject
from process.records import Lineage, Rejected
from process.testing.fakes import LIMITS, Lake, MemoryStore, MemoryTableStore
from process.testing.pages import RUN, make_page, make_work, packed
from schemas.keys import RawKey
from schemas.ledger.run import PageReceipt

PAGE = RawKey.of(RUN, "love", 0)


@dataclass
class OvertakenStore(MemoryStore):
    """Lets somebody else act before the first calls of some kinds on receipts."""

    before: dict[str, Callable[[], object]] = field(default_factory=dict)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        self._overtaken("put_new", key)
        return MemoryStore.replace(self, key, body, content_type, None)

    def get(self, key: str, max_bytes: int | None = None) -> StoredObject | None:
        self._overtaken("get", key)
        return super().get(key, max_bytes)

    def replace(self, key: str, body: bytes, content_type: str, etag: str | None) -> bool:
        self._overtaken("replace", key)
        return super().replace(key, body, content_type, etag)

    def _overtaken(self, call: str, key: str) -> None:
        if key == PAGE.receipt_key:
            self.before.pop(call, lambda: None)()


@pytest.mark.parametrize("call", ["put_new", "get", "replace"])
@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_versions_at_once_one_s_outputs_and_receipt_stay(
    monkeypatch: pytest.MonkeyPatch, call: str, is_first: bool
) -> None:
    # GIVEN an older version, which rejects a good record
    build = stage.build_output

    def reject_second(page: Page, lineage: Lineage) -> PageOutput:
        page.records[1] = Rejected(b"{}", Reason("record.invalid", "older"))
        return build(page, lineage)

    def process(version: Callable[[Page, Lineage], PageOutput]) -> None:
        with monkeypatch.context() as released:
            released.setattr(stage, "build_output", version)
            process_page(lake.outputs, key, LIMITS)

    store = OvertakenStore()
    lake = Lake(store, MemoryTableStore(store))
    works = [make_work(key=f"/works/OL{number}W") for number in (1, 2)]
    key = lake.put_raw(packed(make_page(*works)))
    if not is_first:
        process(build)
    # WHEN the newer one does all of the page between the older one's outputs and its receipt
    store.before[call] = lambda: process(build)
    process(reject_second)
    # THEN what lies there is what the receipt says
    made = PageReceipt.model_validate_json(store.objects[PAGE.receipt_key][0])
    assert (made.rows, made.quarantined) == (1, 1)
    assert lake.tables.written[PAGE.processed_key("works")].num_rows == made.rows
    assert len(store.lines(PAGE.quarantine_key("works"))) == made.quarantined


def test_a_receipt_that_others_replace_without_end_is_tried_again_later(lake: Lake) -> None:
    key = lake.put_raw(packed(make_page(make_work())))
    lake.store.objects[PAGE.receipt_key] = (b"{}", {})
    lake.store.replace = lambda *_: False  # type: ignore[method-assign]  # somebody is faster

    with pytest.raises(StorageError, match="again and again"):
        process_page(lake.outputs, key, LIMITS)
