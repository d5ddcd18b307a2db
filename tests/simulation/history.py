"""One history: two hours of faults, then calm until all is settled, then the invariants."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa

from process import observability
from process.logic import completion, stage
from process.records import Lineage
from schemas.ledger.parts import split
from tests.simulation.actors import Lake
from tests.simulation.cloud import Cloud
from tests.simulation.engine import Engine
from tests.simulation.invariants import problems, unsettled
from tests.simulation.ports import WORKS_COLUMNS
from tests.simulation.source import Source

_FAULTS_SECONDS: Final = 5400.0
_CALM_SECONDS: Final = 6 * 3600.0
_SHOWN: Final = 60
_PART_PAGES: Final = 3
_ROWS: Final = pa.schema([(name, pa.string()) for name in WORKS_COLUMNS])


@dataclass(frozen=True)
class Report:
    """What a history showed."""

    seed: int
    problems: list[str]
    faults: Counter[str] = field(default_factory=Counter)
    events: list[tuple[float, str, str, str]] = field(default_factory=list)
    calls: int = 0

    def shortened(self) -> str:
        """Return the faults, and the events around the last ones, one a line."""
        faulty = [number for number, event in enumerate(self.events) if event[3]]
        near = {n for number in faulty[-_SHOWN:] for n in (number - 1, number, number + 1)}
        near &= set(range(len(self.events)))
        lines = [self.events[number] for number in sorted(near)]
        return "\n".join(f"{at:10.3f} {who:12} {what} {fault}" for at, who, what, fault in lines)


def run_history(seed: int) -> Report:
    """Run the history of a seed."""
    engine = Engine()
    cloud = Cloud(engine, random.Random(seed))  # noqa: S311  # chance, not secrets
    lake = Lake(cloud, Source(cloud))

    def conduct() -> None:
        engine.sleep(_FAULTS_SECONDS)
        cloud.calm = True
        until = engine.seconds + _CALM_SECONDS
        # The run that is under way must come to its end, so no other may begin.
        while engine.seconds < until:
            engine.sleep(400.0)
            cloud.redrive()
            if not list(unsettled(lake)):
                break
        engine.stop()

    with quiet(lake):
        for act in (
            lake.schedule,
            lake.poll,
            lake.build,
            lake.query,
            lake.librarian,
            lake.release,
            conduct,
        ):
            engine.spawn(act.__name__, act)
        engine.run()
    return Report(seed, list(problems(lake)), cloud.faults, cloud.events, len(cloud.events))


def plain_rows(
    works: Sequence[Any], positions: Sequence[int], extras: object, lineage: Lineage
) -> pa.Table:
    """Make a row of each record, with the columns that a history keeps.

    The columns that rules make take half of a history's time, and no fault meets them.
    """
    raw_key = lineage.page.key
    rows = [{"work_key": one.key, "title": one.title, "raw_key": raw_key} for one in works]
    return pa.Table.from_pylist(rows, _ROWS)


@contextmanager
def quiet(lake: Lake) -> Iterator[None]:
    """Keep metrics in memory, and logs out of the way; cut small runs into parts."""

    def add(name: str, unit: object, value: float) -> None:
        lake.metrics[name] += int(value)

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            patch.object(observability.metrics, "add_metric", add),
            patch.object(completion, "split", partial(split, size=_PART_PAGES)),
            patch.object(stage, "work_table", plain_rows),
        ):
            yield
    finally:
        logging.disable(before)
