"""An AWS in memory: objects, a queue, a catalogue, and the faults of each call."""

from __future__ import annotations

import json
import random
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from itertools import takewhile
from typing import Final

from process.testing.pages import make_event
from schemas.keys import (
    COMPACTED_DAYS_PREFIX,
    CURRENT_BUILD_KEY,
    RAW_PREFIX,
    RUNS_PREFIX,
    build_record_key,
    compacted_pages_key,
    curated_ledger_key,
    manifest_key,
    page_path,
    processed_ledger_key,
    receipts_prefix,
)
from schemas.ledger.compacted import CompactedPages
from tests.simulation.engine import START, Actor, Engine, KilledError

#: Of a hundred calls that change something, or of any; while faults are on.
_CHANCES: Final = {
    "fail_before": 0.02,
    "lost_answer": 0.02,
    "repeated": 0.02,
    "kill_before": 0.008,
    "kill_after": 0.012,
    "pause": 0.006,
}
_CHANGES_ONLY: Final = {"lost_answer", "repeated", "kill_after"}
#: How often a job meets a fault, as a share of that: a job makes so many calls that of a few
#: thousand none would come to its end, and what follows a build would never be tried.
_JOBS_SHARES: Final = (0.15, 1.0)
VISIBILITY_SECONDS: Final = 1800.0
MAX_RECEIVES: Final = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of an object.

    Attributes
    ----------
    since
        When an object came to be under this key, in seconds of the history.
    """

    body: bytes
    metadata: dict[str, str]
    etag: str
    since: float


@dataclass
class Message:
    """A message of the queue."""

    name: str
    body: str
    visible_at: float
    receives: int = 0


@dataclass
class Cloud:
    """Everything outside the functions.

    Attributes
    ----------
    calm
        Whether faults have stopped.
    versions
        Every body that was written under a key, in order.
    faults
        How many were injected, by kind.
    premature
        Records that vouched for what was not there.
    events
        The history: time, actor, call, and the fault if any.
    """

    engine: Engine
    chance: random.Random
    calm: bool = False
    objects: dict[str, Stored] = field(default_factory=dict)
    versions: dict[str, list[bytes]] = field(default_factory=dict)
    queue: dict[str, Message] = field(default_factory=dict)
    dead_letters: list[Message] = field(default_factory=list)
    locations: dict[str, tuple[str, int]] = field(default_factory=dict)
    partitions: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    events: list[tuple[float, str, str, str]] = field(default_factory=list)
    throttled_until: dict[str, float] = field(default_factory=dict)
    premature: list[str] = field(default_factory=list)
    sent: int = 0
    jobs_share: float = 1.0
    _in_order: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jobs_share = self.chance.choice(_JOBS_SHARES)

    def call[T](
        self, what: str, effect: Callable[[], T], error: type[Exception], *, changes: bool = False
    ) -> T:
        """Make a call that may be delayed, refused, lost, repeated, or the caller's last.

        Helper threads of a function only read, and are answered at once, so that a seed decides
        everything.
        """
        actor = self.engine.current
        if actor is None or not self.engine.is_actor:
            return effect()
        if actor.dead:
            raise KilledError
        self.engine.sleep(self.chance.uniform(0.001, 0.08))
        fault = "" if self.calm else self._fault(what, changes=changes)
        self.note(what, fault)
        if fault == "pause":
            self.engine.sleep(self.chance.uniform(60.0, 900.0))
        elif fault == "kill_before":
            self.kill(actor)
        elif fault in ("fail_before", "throttled"):
            raise error(f"{what}: {fault}")
        answer = effect()
        if fault == "repeated":
            # The client repeats a call whose answer was lost.
            answer = effect()
        elif fault == "kill_after":
            self.kill(actor)
        elif fault == "lost_answer":
            raise error(f"{what}: {fault}")
        self.engine.sleep(self.chance.uniform(0.001, 0.08))
        return answer

    def kill(self, actor: Actor) -> None:
        """Kill the function of an actor."""
        actor.dead = True
        raise KilledError

    def note(self, what: str, fault: str = "") -> None:
        """Note an event of the history."""
        if fault:
            self.faults[fault] += 1
        actor = self.engine.current
        self.events.append((self.engine.seconds, actor.name if actor else "", what, fault))

    def put(self, key: str, body: bytes, metadata: dict[str, str] | None = None) -> str:
        """Store an object, and send the event that tells of it."""
        etag = md5(body, usedforsecurity=False).hexdigest()
        former = self.objects.get(key)
        if former is None:
            insort(self._in_order, key)
        since = former.since if former else self.engine.seconds
        self.objects[key] = Stored(body, dict(metadata or {}), etag, since)
        self.versions.setdefault(key, []).append(body)
        if key.startswith(RUNS_PREFIX) and "/pages/" in key:
            self._check_receipt(key, body)
        if key.startswith(RUNS_PREFIX) and key.endswith("/processed.json"):
            self._check_ledger(key, body)
        if key == CURRENT_BUILD_KEY:
            self._check_runs(body)
        if key.startswith(COMPACTED_DAYS_PREFIX):
            self._check_compacted(body)
        wakes = ("/manifest.json", "/pages.json")
        if key.startswith(RAW_PREFIX) or (key.startswith(RUNS_PREFIX) and key.endswith(wakes)):
            self.send(key)
        return etag

    def delete(self, key: str) -> None:
        """Delete an object, if it is there."""
        if self.objects.pop(key, None):
            del self._in_order[bisect_left(self._in_order, key)]

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix, in order."""
        first = bisect_left(self._in_order, prefix)
        return list(takewhile(lambda key: key.startswith(prefix), self._in_order[first:]))

    def receive(self, most: int) -> list[Message]:
        """Receive messages, in any order; those that came too often go to the dead letters."""
        visible = [one for one in self.queue.values() if one.visible_at <= self.engine.seconds]
        self.chance.shuffle(visible)
        received = []
        for message in visible[:most]:
            if message.receives >= MAX_RECEIVES:
                self.dead_letters.append(self.queue.pop(message.name))
                continue
            message.receives += 1
            message.visible_at = self.engine.seconds + VISIBILITY_SECONDS
            received.append(message)
        return received

    def redrive(self) -> None:
        """Send the dead letters back, as an operator does."""
        for message in self.dead_letters:
            message.receives, message.visible_at = 0, self.engine.seconds
            self.queue[message.name] = message
        self.dead_letters.clear()

    def send(self, key: str) -> None:
        """Send the event of an object, perhaps twice, perhaps late."""
        body = make_event(key)
        for _ in range(1 if self.calm or self.chance.random() > 0.1 else 2):
            slow = 0.0 if self.calm or self.chance.random() > 0.05 else 1500.0
            self.sent += 1
            delay = self.chance.uniform(0.1, 20.0) + self.chance.uniform(0.0, slow)
            name = f"m{self.sent:05d}"
            self.queue[name] = Message(name, body, self.engine.seconds + delay)

    def _check_receipt(self, key: str, body: bytes) -> None:
        receipt = json.loads(body)
        for name in ("processed_key", "quarantine_key"):
            if receipt.get(name) and receipt[name] not in self.objects:
                self.premature.append(f"{key} was there before {receipt[name]}")

    def _check_ledger(self, key: str, body: bytes) -> None:
        ledger = json.loads(body)
        manifest = json.loads(self.objects[manifest_key(ledger["run_id"])].body)
        if ledger["pages"] != manifest["totals"]["pages"]:
            self.premature.append(f"{key} was there before all pages were processed")

    def _check_runs(self, body: bytes) -> None:
        build = json.loads(body)["builds"][0]["build"]
        record = self.objects.get(build_record_key(build))
        for run in json.loads(record.body)["runs"] if record else ():
            if processed_ledger_key(run) not in self.objects:
                self.premature.append(f"{build} was published before {run} was processed")

    def _share(self) -> float:
        actor = self.engine.current
        return self.jobs_share if actor and actor.name.startswith("etl") else 1.0

    def _check_compacted(self, body: bytes) -> None:
        record = json.loads(body)
        if record["switched_at"] or record["removing_at"]:
            # Pages may have come since it was compacted.
            return
        listed = self.objects.get(compacted_pages_key(record["day"], record["generation"]))
        pages = CompactedPages.of_bytes(listed.body) if listed else {}
        # A replay may give a page its first rows while the day is rewritten: that page comes later.
        taken_at = int(record["generation"]) - START.timestamp()
        for run in record["runs"]:
            for key in self.keys(receipts_prefix(run)):
                receipt = json.loads(self.objects[key].body)
                path = page_path("works", receipt["raw_key"])
                if curated_ledger_key(run) not in self.objects:
                    self.premature.append(f"{path} was compacted before {run} was built")
                elif (rows := receipt["processed_key"]) and path not in pages:
                    if rows in self.objects and self.objects[rows].since > taken_at:
                        continue
                    self.premature.append(f"{record['day']} was compacted without {path}")

    def _fault(self, what: str, *, changes: bool) -> str:
        service = what.partition(" ")[0]
        if self.throttled_until.get(service, 0.0) > self.engine.seconds:
            if self.chance.random() < 0.5:
                return "throttled"
        elif self.chance.random() < 0.001:
            self.throttled_until[service] = self.engine.seconds + self.chance.uniform(1.0, 30.0)
        roll = self.chance.random() / self._share()
        for name, chance in _CHANCES.items():
            if name in _CHANGES_ONLY and not changes:
                continue
            if roll < chance:
                return name
            roll -= chance
        return ""
