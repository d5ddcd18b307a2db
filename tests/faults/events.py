"""Events that come twice, late, out of order, never, or are none."""

from __future__ import annotations

import random
from typing import Final

from lake.operations.check.command import check_lake
from lake.operations.replay.sending import send_bodies, send_events, wait_until_processed
from lake.runs.crawl import dead_letters
from schemas import keys
from tests.faults.lab import SUBJECTS, Lab
from tests.faults.proxy import Fault
from tests.faults.scenario import Scenario, require, require_clean

_POISON: Final = ("not JSON", "[]", '{"detail": {"object": {}}}')
#: More often than a message is delivered before it is a dead letter.
_FOR_GOOD: Final = 10_000
_SENT_AGAIN: Final = 3


def scenarios() -> list[Scenario]:
    """Return the scenarios of this module."""
    return [
        Scenario("events:duplicated", "nothing changes, neither rows nor receipts", _duplicated),
        Scenario("events:late", "process works them off when they come", _late),
        Scenario(
            "events:manifest-first", "the last page's message sums the run up", _manifest_first
        ),
        Scenario("events:lost", "check names each page, replay brings them in", _lost),
        Scenario("messages:poison", "each is a dead letter, the others go on", _poison),
        Scenario("pages:unreadable", "dead letters; replay brings them in later", _dead_letters),
    ]


def _duplicated(lab: Lab, _: random.Random) -> str:
    run_id = lab.crawl(lab.new_run(), SUBJECTS)
    lab.settle(run_id)
    before, pages = _receipts(lab, run_id), lab.pages(run_id)
    for _again in range(_SENT_AGAIN):
        _send(lab, [*pages, keys.manifest_key(run_id)])
    _wait(lab)
    require(_receipts(lab, run_id) == before, "receipts have changed")
    return f"{len(pages)} pages sent {_SENT_AGAIN} times more; {require_clean(lab, run_id)}"


def _late(lab: Lab, _: random.Random) -> str:
    with lab.paused():
        run_id = lab.crawl(lab.new_run(), SUBJECTS)
        lab.wait(lambda: lab.messages() > len(lab.pages(run_id)), "waiting messages", 20)
        waiting = lab.messages()
    lab.settle(run_id)
    return f"{waiting} messages waited; {require_clean(lab, run_id)}"


def _manifest_first(lab: Lab, chance: random.Random) -> str:
    run_id = _run_without_events(lab)
    _send(lab, [keys.manifest_key(run_id)])
    _wait(lab)
    pages = lab.pages(run_id)
    chance.shuffle(pages)
    for page in pages:
        _send(lab, [page])
    lab.settle(run_id)
    return require_clean(lab, run_id)


def _lost(lab: Lab, _: random.Random) -> str:
    run_id = _run_without_events(lab)
    found = check_lake(lab.cloud, run_id, everything=False, say=lambda _: None)
    named = {one.object.removeprefix(f"s3://{lab.bucket}/") for one in found.differences}
    pages = lab.pages(run_id)
    require(set(pages) <= named, f"check names {sorted(named)}, not {pages}")
    lab.replay(pages)
    return f"check named {len(pages)} pages; {require_clean(lab, run_id)}"


def _poison(lab: Lab, _: random.Random) -> str:
    send_bodies(lab.cloud, _POISON)
    run_id = lab.crawl(lab.new_run(), SUBJECTS)
    lab.settle(run_id)
    figures = require_clean(lab, run_id, dead=len(_POISON))
    lab.purge()
    return f"{len(_POISON)} dead letters; {figures}"


def _dead_letters(lab: Lab, _: random.Random) -> str:
    with lab.proxy.injecting(Fault("process.GetObject.page", "denied", times=_FOR_GOOD)):
        run_id = lab.crawl(lab.new_run(), SUBJECTS)
        pages = len(lab.pages(run_id))
        lab.wait(lambda: dead_letters(lab.cloud, "process") >= pages, "dead letters", 240)
    sent = lab.replay_dead_letters().sent
    lab.settle(run_id)
    return f"{sent} dead letters moved back; {require_clean(lab, run_id)}"


def _run_without_events(lab: Lab) -> str:
    with lab.paused():
        run_id = lab.crawl(lab.new_run(), SUBJECTS)
        lab.wait(lambda: lab.messages() > len(lab.pages(run_id)), "waiting messages", 20)
        lab.purge()
    return run_id


def _receipts(lab: Lab, run_id: str) -> dict[str, bytes]:
    return {key: lab.read(key) for key in lab.keys(keys.receipts_prefix(run_id))}


def _send(lab: Lab, objects: list[str]) -> None:
    send_events(lab.cloud, lab.bucket, objects, lambda _: None)


def _wait(lab: Lab) -> None:
    wait_until_processed(lab.cloud, lambda _: None, dead=dead_letters(lab.cloud, "process"))
