"""Ends a run: adds up its receipts in parts, and the parts in the run's ledger.

The manifest is cut into parts (see :mod:`schemas.ledger.parts`), and the pages of each become an
object, whose event comes to this service like those of raw pages. Whoever finds that all receipts
of a part are there writes its sum; whoever finds that all sums are there writes the run's ledger.
A message costs the same in a small run and in a large one. What is there already is checked by its
ETag and not read again.

Nobody needs to be last. S3 is read-after-write consistent, and each step writes before it looks:
the index of the parts is there before their pages are, so a receipt that was too early for the
index is found by the event of its part. Sums and ledgers are replaced only in the version that was
read before the listing that they are made from, so an older state never replaces a newer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from process.errors import InvalidManifestError, StorageError, UnreadableLedgerError
from process.logic.sums import make_ledger, mismatches, sum_receipts
from process.ports import Store, StoredObject
from schemas.fingerprints import fingerprint
from schemas.keys import (
    below,
    manifest_key,
    part_pages_key,
    part_sum_key,
    parts_key,
    parts_prefix,
    processed_ledger_key,
    receipts_prefix,
)
from schemas.ledger.parts import PageSum, PartPages, PartSum, RunParts, split
from schemas.ledger.run import PageReceipt, PartTotals, ProcessedLedger, RunManifest, SummedPart

_JSON: Final = "application/json"
#: Of several that replace the same object at once, one gets through at each attempt.
_ATTEMPTS: Final = 20


@dataclass(slots=True)
class Arrivals:
    """What a batch brought of a run.

    Attributes
    ----------
    messages
        Ids of all its messages; those of manifests are in ``manifests``, too.
    receipts
        Names of its pages' receipts.
    parts
        Ids of the messages that announce the pages of a part, by its number.
    """

    messages: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    receipts: set[str] = field(default_factory=set)
    parts: dict[int, set[str]] = field(default_factory=dict)


class Completion(NamedTuple):
    """What came of adding up.

    Attributes
    ----------
    revision
        That of the run's ledger that was written; ``None`` when none was.
    strays
        Ids of messages that announce parts which the run does not have.
    """

    revision: int | None = None
    strays: frozenset[str] = frozenset()


def complete_run(store: Store, run_id: str, arrived: Arrivals) -> Completion:
    """Add up the parts of a run that messages are about, and the run if they are all there.

    Raises
    ------
    InvalidManifestError
        When the manifest does not fit its contract, or is that of another run.
    UnreadableLedgerError
        When what is added up does not fit its contract.
    StorageError
        When S3 does not answer as it should.
    """
    parts = _read(RunParts, parts_key(run_id), store.get(parts_key(run_id)))
    if parts is None or arrived.manifests:
        parts = announce_parts(store, run_id)
    if parts is None:
        return Completion()
    last = len(parts) - 1
    numbers = {number for number in arrived.parts if number <= last}
    numbers |= {parts.number_of(name) for name in arrived.receipts}
    if arrived.manifests:
        # Most runs have one part, and need not wait for its event.
        numbers.add(0)
    for number in sorted(numbers):
        add_up_part(store, parts, number)
    strays = (messages for number, messages in arrived.parts.items() if number > last)
    return Completion(add_up_run(store, parts), frozenset[str]().union(*strays))


def announce_parts(store: Store, run_id: str) -> RunParts | None:
    """Cut a run's manifest into parts, and write what is missing of them.

    Returns
    -------
    RunParts | None
        The parts; ``None`` while there is no manifest.

    Raises
    ------
    InvalidManifestError
        When the manifest does not fit its contract, or is that of another run.
    """
    stored = store.get(manifest_key(run_id))
    if stored is None:
        return None
    try:
        parts, pages = split(RunManifest.model_validate_json(stored.body))
    except ValueError as error:
        raise InvalidManifestError(f"the manifest of {run_id}: {error}", run_id=run_id) from error
    if parts.run_id != run_id:
        raise InvalidManifestError(
            f"the manifest of {run_id} is that of {parts.run_id}: restore its own version",
            run_id=run_id,
        )
    there = store.list_etags(parts_prefix(run_id))
    announced = {part_pages_key(run_id, part.number): part for part in pages}
    # The index first: see above.
    for key, document in {parts_key(run_id): parts, **announced}.items():
        if key not in there:
            store.put_new(key, _body(document), _JSON)
    return parts


def add_up_part(store: Store, parts: RunParts, number: int) -> None:
    """Write the sum over the receipts of a part, when all are there and it is not written."""
    key, prefix = part_sum_key(parts.run_id, number), receipts_prefix(parts.run_id)
    for _ in range(_ATTEMPTS):
        stored = store.get(key)
        state = _read_sum(PartTotals, key, stored)
        listed = store.list_etags(prefix, *parts.range_of(number))
        there = {below(prefix, receipt): etag for receipt, etag in listed.items()}
        if state is not None and state.state == fingerprint(there.items()):
            return
        part = _part_pages(store, parts, number)
        if part is None or not part.pages.keys() <= there.keys():
            return
        known = _read_sum(PartSum, key, stored)
        made = sum_receipts(part, there, _page_sums(store, part, there, known), known)
        if known is not None and made.state == known.state:
            return
        if store.replace(key, _body(made), _JSON, stored.etag if stored else None):
            return
    raise StorageError(f"{key} is replaced by others again and again", key=key)


def add_up_run(store: Store, parts: RunParts) -> int | None:
    """Write the run's ledger when all its parts are added up and it does not have them so.

    Returns
    -------
    int | None
        The revision that was written; ``None`` when none was.
    """
    key, run_id = processed_ledger_key(parts.run_id), parts.run_id
    for _ in range(_ATTEMPTS):
        stored = store.get(key)
        known = _read(ProcessedLedger, key, stored)
        there = store.list_etags(parts_prefix(run_id))
        if any(part_pages_key(run_id, number) not in there for number in range(len(parts))):
            # Whoever announced them was stopped on the way.
            announce_parts(store, run_id)
        sums = [part_sum_key(run_id, number) for number in range(len(parts))]
        if not there.keys() >= set(sums):
            return None
        before = {part.etag: part for part in known.parts} if known else {}
        if known and [part.etag for part in known.parts] == [there[one] for one in sums]:
            return None
        summed = _summed_parts(store, {one: there[one] for one in sums}, before)
        ledger = make_ledger(parts, summed, known.revision + 1 if known else 1)
        if store.replace(key, _body(ledger), _JSON, stored.etag if stored else None):
            return ledger.revision
    raise StorageError(f"{key} is replaced by others again and again", key=key)


def _part_pages(store: Store, parts: RunParts, number: int) -> PartPages | None:
    key = part_pages_key(parts.run_id, number)
    return _read(PartPages, key, store.get(key))


def _page_sums(
    store: Store, part: PartPages, there: Mapping[str, str], known: PartSum | None
) -> dict[str, PageSum]:
    before = known.pages if known else {}
    sums = {
        name: before[name]
        for name in part.pages
        if name in before and before[name].etag == there[name]
    }
    fresh = [name for name in part.pages if name not in sums]
    keys = [receipts_prefix(part.run_id) + name for name in fresh]
    for name, key, stored in zip(fresh, keys, store.get_many(keys), strict=True):
        receipt = _read(PageReceipt, key, stored)
        if receipt is None or stored is None:
            raise StorageError(f"the receipt {key} is gone", key=key)
        sums[name] = PageSum(
            etag=stored.etag,
            counts=receipt.counts,
            mismatches=list(mismatches(part.pages[name], receipt)),
        )
    return {name: sums[name] for name in part.pages}


def _summed_parts(
    store: Store, etags: Mapping[str, str], before: Mapping[str, SummedPart]
) -> list[SummedPart]:
    fresh = [key for key, etag in etags.items() if etag not in before]
    read = dict(zip(fresh, store.get_many(fresh), strict=True))
    summed = []
    for key, etag in etags.items():
        stored = read.get(key)
        totals = _read(PartTotals, key, stored)
        if stored is not None and totals is not None:
            summed.append(SummedPart(**dict(totals), etag=stored.etag))
        elif etag in before:
            summed.append(before[etag])
        else:
            raise StorageError(f"the sum {key} is gone", key=key)
    return summed


def _read[Model: BaseModel](
    model: type[Model], key: str, stored: StoredObject | None
) -> Model | None:
    if stored is None:
        return None
    try:
        return model.model_validate_json(stored.body)
    except ValidationError as error:
        raise UnreadableLedgerError(
            f"{key} cannot be read: restore its version, or delete it and replay its pages", key=key
        ) from error


def _read_sum[Model: BaseModel](
    model: type[Model], key: str, stored: StoredObject | None
) -> Model | None:
    # A sum that cannot be read is made anew, and so holds up no page.
    with suppress(UnreadableLedgerError):
        return _read(model, key, stored)
    return None


def _body(document: BaseModel) -> bytes:
    return document.model_dump_json().encode()
