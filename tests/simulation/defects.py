"""Defects to be injected one by one: the simulation must find each within a number of seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch
from uuid import uuid4

from glue_etl.builds import publication
from glue_etl.builds.runs import RunLedger
from glue_etl.compaction.compactor import Compactor
from glue_etl.compaction.days import Day
from glue_etl.compaction.rewriting import Rewriter
from ingest.errors import StoreUnavailableError
from ingest.logic import heartbeat, ledger
from ingest.logic.checkpoint import Checkpoint
from ingest.logic.pacer import Pacer
from ingest.ports import NewObject
from process.errors import ProcessError
from process.logic import completion
from process.logic.batch import Batch
from process.logic.completion import Arrivals, Completion
from process.logic.outputs import Outputs
from schemas.curated_tables import CURATED
from schemas.keys import RawKey, processed_ledger_key, receipts_prefix
from schemas.ledger.parts import PartPages, RunParts
from tests.simulation.actors import Job, Lake
from tests.simulation.cloud import Message
from tests.simulation.history import Report, run_history
from tests.simulation.ports import IngestStore, ProcessStore, ProcessTables

Defect = Callable[[], AbstractContextManager[object]]


def processed_json_is_overwritten() -> AbstractContextManager[object]:
    """Write run ledgers and receipts without a condition."""

    def overwrite(store: ProcessStore, key: str, body: bytes, kind: str, etag: str | None) -> bool:
        store.put(key, body, kind)
        return True

    return patch.object(ProcessStore, "replace", overwrite)


def raw_page_is_overwritten() -> AbstractContextManager[object]:
    """Store raw pages without If-None-Match."""

    def overwrite(store: IngestStore, key: str, new: NewObject) -> bool:
        def effect() -> bool:
            store.cloud.put(key, new.body, dict(new.metadata))
            return True

        return store.cloud.call(f"s3 put {key}", effect, StoreUnavailableError, changes=True)

    return patch.object(IngestStore, "create", overwrite)


def message_is_deleted_before_the_write() -> AbstractContextManager[object]:
    """Delete messages when they are received."""
    process = Lake._process

    def careless(lake: Lake, messages: list[Message]) -> None:
        for message in messages:
            lake.cloud.queue.pop(message.name, None)
        process(lake, messages)

    return patch.object(Lake, "_process", careless)


def failures_are_not_reported() -> AbstractContextManager[object]:
    """Report no message of a batch as failed."""
    process = Batch.process

    def silent(batch: Batch, messages: Any) -> list[str]:
        process(batch, messages)
        return []

    return patch.object(Batch, "process", silent)


@contextmanager
def receipt_comes_before_the_rows() -> Iterator[None]:
    """Write the receipt, then what it vouches for."""
    save = Outputs.save

    def hasty(outputs: Outputs, page: RawKey, digest: str, made: Any) -> None:
        late: list[tuple[Any, ...]] = []
        with patch.object(ProcessTables, "write", lambda _, *given: late.append(given)):
            save(outputs, page, digest, made)
        for given in late:
            outputs.tables.write(*given)

    with patch.object(Outputs, "save", hasty):
        yield


def failed_rows_are_passed_over() -> AbstractContextManager[object]:
    """Go on when rows could not be written."""
    write = ProcessTables.write

    def lenient(tables: ProcessTables, *given: Any) -> None:
        try:
            write(tables, *given)
        except ProcessError:
            return

    return patch.object(ProcessTables, "write", lenient)


def rows_get_a_new_name_each_time() -> AbstractContextManager[object]:
    """Write rows under a key that a second delivery does not repeat."""
    key_of = RawKey.processed_key

    def random_key(page: RawKey, table: str) -> str:
        return key_of(page, table).replace(".parquet", f"-{uuid4().hex}.parquet")

    return patch.object(Outputs, "_save_rows", _saving_under(random_key))


def _saving_under(key_of: Callable[[RawKey, str], str]) -> Callable[..., str | None]:
    save = Outputs._save_rows

    def renamed(outputs: Outputs, page: RawKey, table: str, rows: Any) -> str | None:
        with patch.object(RawKey, "processed_key", key_of):
            return save(outputs, page, table, rows)

    return renamed


def late_manifest_is_forgotten() -> AbstractContextManager[object]:
    """Complete runs by their pages' messages only."""
    complete = Batch._complete

    def page_only(batch: Batch, run_id: str, arrived: Arrivals) -> None:
        if arrived.receipts:
            complete(batch, run_id, arrived)

    return patch.object(Batch, "_complete", page_only)


def part_is_added_up_too_early() -> AbstractContextManager[object]:
    """Add up those receipts of a part that are there."""
    pages_of = completion._part_pages

    def early(store: ProcessStore, parts: RunParts, number: int) -> PartPages | None:
        part, prefix = pages_of(store, parts, number), receipts_prefix(parts.run_id)
        there = store.list_etags(prefix)
        pages = part.pages.items() if part else ()
        some = {name: page for name, page in pages if prefix + name in there}
        return part.model_copy(update={"pages": some}) if part else None

    return patch.object(completion, "_part_pages", early)


def event_of_a_part_is_passed_over() -> AbstractContextManager[object]:
    """Take no notice when the pages of a part are announced."""
    complete = completion.complete_run

    def deaf(store: ProcessStore, run_id: str, arrived: Arrivals) -> Completion:
        return complete(store, run_id, replace(arrived, parts={}))

    return patch("process.logic.batch.complete_run", deaf)


def replay_leaves_the_ledger_as_it_is() -> AbstractContextManager[object]:
    """Write no ledger where there is one."""
    add_up = completion.add_up_run

    def once(store: ProcessStore, parts: RunParts) -> int | None:
        there = store.get(processed_ledger_key(parts.run_id))
        return None if there else add_up(store, parts)

    return patch.object(completion, "add_up_run", once)


def lease_keeps_nobody_out() -> AbstractContextManager[object]:
    """Crawl though another invocation holds the lease."""
    return patch.object(Checkpoint, "held_by_other", lambda *_: False)


def lease_never_expires() -> AbstractContextManager[object]:
    """Take no notice of when a lease ends."""

    def held(state: Checkpoint, owner: str, now: object) -> bool:
        return state.lease is not None and state.lease.owner != owner

    return patch.object(Checkpoint, "held_by_other", held)


def pace_ignores_the_window() -> AbstractContextManager[object]:
    """Send twice as many requests as may be."""
    init = Pacer.__init__

    def hasty(pacer: Pacer, rate: float, *given: Any) -> None:
        init(pacer, 2 * rate, *given)

    return patch.object(Pacer, "__init__", hasty)


def manifest_lacks_a_page() -> AbstractContextManager[object]:
    """Leave the last page of a subject out of its outcome."""
    keep = ledger.keep_outcome

    def short(store: Any, run_id: str, outcome: Any) -> None:
        pages = outcome.pages[:-1] if len(outcome.pages) > 1 else outcome.pages
        keep(store, run_id, outcome.model_copy(update={"pages": pages}))

    return patch.object(heartbeat, "keep_outcome", short)


def cleanup_removes_the_build_in_use() -> AbstractContextManager[object]:
    """Keep only the build that is current, whoever still reads the one before."""

    def newest(current: Any, *_: object) -> set[str]:
        return {current.build, *current.switching}

    return patch.object(publication, "_kept", newest)


def readers_are_sent_before_the_files_are_there() -> AbstractContextManager[object]:
    """Switch the catalogue, then write the build."""
    write = Job.write

    def hasty(job: Job, plan: Any) -> Any:
        build = job.publisher.new_attempt(plan.id())
        for table in CURATED.values():
            location = f"{job.publisher.curated}{table.folder(build)}"
            job.publisher.catalogue.switch(table, location, job.publisher.lease.require())
        return write(job, plan)

    return patch.object(Job, "write", hasty)


def incremental_build_forgets_the_last_one() -> AbstractContextManager[object]:
    """Make a build of the new runs alone."""
    write = Job.write

    def forgetful(job: Job, plan: Any) -> Any:
        return write(job, replace(plan, previous="none") if plan.mode == "incremental" else plan)

    return patch.object(Job, "write", forgetful)


def unprocessed_runs_are_built() -> AbstractContextManager[object]:
    """Build from a run before process has finished it, and never look again."""
    return patch.object(RunLedger, "_is_processed", lambda *_: True)


@contextmanager
def page_files_go_before_readers_are_sent() -> Iterator[None]:
    """Remove what is compacted, then switch the catalogue."""
    switch = Compactor._switch

    def late(compactor: Compactor) -> None:
        compactor._remove()
        switch(compactor)

    with (
        patch.object(Compactor, "_is_over", lambda _, day: day.record is not None),
        patch.object(Compactor, "_switch", late),
    ):
        yield


def page_files_go_without_a_grace() -> AbstractContextManager[object]:
    """Remove what is compacted as soon as readers are sent on."""

    def at_once(_: Compactor, day: Day) -> bool:
        return day.record is not None and day.record.switched_at is not None

    return patch.object(Compactor, "_is_over", at_once)


def compaction_forgets_the_replayed_page() -> AbstractContextManager[object]:
    """Take a page that is compacted as it was, whatever was written since."""

    def new_only(day: Day) -> list[str]:
        return [path for path in sorted(day.stored) if path not in day.compacted]

    return patch.object(Day, "fresh", property(new_only))


def compaction_keeps_the_superseded_rows() -> AbstractContextManager[object]:
    """Merge a replayed page and leave its older rows beside it, with sums that agree."""
    kept = Rewriter._kept

    def unfiltered(rewriter: Rewriter, day: Day, table: str) -> Iterator[Any]:
        with patch.object(Day, "fresh_paths", frozenset()):
            yield from list(kept(rewriter, day, table))

    return patch.multiple(
        Rewriter, _kept=unfiltered, _check_kept=lambda *_: None, _check_sums=lambda *_: None
    )


_SOON: Final = 10
#: For those that need several faults at once.
_LATER: Final = 30

#: Each defect, and the number of seeds (from 0) within which it must be found.
DEFECTS: Final[dict[str, tuple[Defect, int]]] = {
    defect.__name__: (defect, seeds)
    for defect, seeds in (
        (processed_json_is_overwritten, _SOON),
        (raw_page_is_overwritten, _LATER),
        (message_is_deleted_before_the_write, _SOON),
        (failures_are_not_reported, _LATER),
        (receipt_comes_before_the_rows, _SOON),
        (failed_rows_are_passed_over, _LATER),
        (rows_get_a_new_name_each_time, _SOON),
        (late_manifest_is_forgotten, _SOON),
        (part_is_added_up_too_early, _SOON),
        (event_of_a_part_is_passed_over, _SOON),
        (replay_leaves_the_ledger_as_it_is, _SOON),
        (lease_keeps_nobody_out, _LATER),
        (lease_never_expires, _SOON),
        (pace_ignores_the_window, _SOON),
        (manifest_lacks_a_page, _SOON),
        (cleanup_removes_the_build_in_use, _LATER),
        (readers_are_sent_before_the_files_are_there, _SOON),
        (incremental_build_forgets_the_last_one, _SOON),
        (unprocessed_runs_are_built, _LATER),
        (page_files_go_before_readers_are_sent, _SOON),
        (page_files_go_without_a_grace, _LATER),
        (compaction_forgets_the_replayed_page, _SOON),
        (compaction_keeps_the_superseded_rows, _LATER),
    )
}


def run_history_with(defect: str | None, seed: int) -> Report:
    """Run the history of a seed with a defect, if any; keep its events where something is wrong."""
    with DEFECTS[defect][0]() if defect else nullcontext():
        report = run_history(seed)
    return report if report.problems else replace(report, events=[])
