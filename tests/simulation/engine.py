"""A clock of events: many actors, of which one runs at a time, in an order that a seed decides."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 11, 23, 6, tzinfo=UTC)


class KilledError(BaseException):
    """The function is gone; no ``except Exception`` sees it."""


def _taken() -> threading.Lock:
    """Return a lock for which one waits until another thread releases it."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class Actor:
    """A function under way, or something else that acts by itself.

    Attributes
    ----------
    ends
        When it is killed at the latest (seconds).
    dead
        Whether it was killed: from then on it has no effect.
    """

    name: str
    ends: float
    dead: bool = False
    thread: threading.Thread | None = None
    turn: threading.Lock = field(default_factory=_taken)


class Engine:
    """Runs actors by turns; time is that of the next event.

    Attributes
    ----------
    seconds
        Since the start.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._events: list[tuple[float, int, Actor]] = []
        self._numbers = itertools.count()
        self._actors: set[Actor] = set()
        self._main = threading.Semaphore(0)
        self._stopped = False
        self._failures: list[BaseException] = []
        self.current: Actor | None = None

    def now(self) -> datetime:
        """Return the time (UTC)."""
        return START + timedelta(seconds=self.seconds)

    @property
    def is_actor(self) -> bool:
        """Whether the caller is the actor whose turn it is, and not a helper thread of it."""
        thread = self.current.thread if self.current else None
        return thread is not None and thread.ident == threading.get_ident()

    def spawn(
        self, name: str, act: Callable[[], None], *, delay: float = 0.0, lives: float = 1e12
    ) -> Actor:
        """Add an actor, to begin after so many seconds and to be killed after so many more."""
        actor = Actor(name, self.seconds + delay + lives)

        def live() -> None:
            actor.turn.acquire()
            try:
                if not self._stopped:
                    act()
            except KilledError:
                pass
            except BaseException as error:
                self._failures.append(error)
                self._stopped = True
            finally:
                self._actors.discard(actor)
                self._next(None)

        actor.thread = threading.Thread(target=live, name=name, daemon=True)
        self._actors.add(actor)
        self._push(delay, actor)
        actor.thread.start()
        return actor

    def sleep(self, seconds: float) -> None:
        """Let others act, and go on after so many seconds.

        Raises
        ------
        KilledError
            When the actor's time is over.
        """
        actor = self.current
        if actor is None or not self.is_actor:
            return
        if not (actor.dead or self._stopped):
            if self._events and self._events[0][0] <= self.seconds + seconds:
                self._push(seconds, actor)
                self._next(actor)
            else:
                # Nobody else acts meanwhile.
                self.seconds += seconds
        if actor.dead or self._stopped or self.seconds > actor.ends:
            actor.dead = True
            raise KilledError

    def stop(self) -> None:
        """End the history."""
        self._stopped = True

    def run(self) -> None:
        """Let the actors act until one of them stops the engine."""
        self._next(None)
        self._main.acquire()
        self._stopped = True
        for actor in list(self._actors):
            self.current = actor
            actor.turn.release()
            if actor.thread is not None:
                actor.thread.join()
        if self._failures:
            raise self._failures[0]

    def _push(self, delay: float, actor: Actor) -> None:
        event = (self.seconds + delay, next(self._numbers), actor)
        heapq.heappush(self._events, event)

    def _next(self, waiting: Actor | None) -> None:
        if self._stopped or not self._events:
            if waiting is None:
                self._main.release()
            return
        self.seconds, _, actor = heapq.heappop(self._events)
        self.current = actor
        if actor is not waiting:
            actor.turn.release()
            if waiting is not None:
                waiting.turn.acquire()
