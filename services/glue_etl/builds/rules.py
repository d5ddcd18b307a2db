"""The data-quality rules that a build must pass before readers see it: pure, and named.

A rule's name is ``rule:table`` or ``rule:table.column``; names are stable, for alarms and runbooks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.curated_tables import CURATED
from schemas.ledger.curated_build import RuleOutcome, TableOutcome

#: Tables that no lake with a work is without: works without authors or snapshots there may be.
NEVER_EMPTY: Final = ("works", "subjects", "work_subjects")


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What was measured of a table as it was written.

    Attributes
    ----------
    rows, distinct_keys
        Rows, and distinct values of its key among them.
    nulls
        Nulls by column, for the columns whose contract allows none.
    orphans
        Rows by referring column whose value the table referred to lacks.
    """

    rows: int
    distinct_keys: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowBounds:
    """How far a table's rows may be from those of the last build; see ``JobArguments``."""

    min_ratio: float
    max_ratio: float
    slack: int

    def of(self, rows: int) -> tuple[int, int | None]:
        """Return the least and the most rows after so many; ``None``: any number."""
        least = min(math.ceil(rows * self.min_ratio), max(rows - self.slack, 0))
        if math.isinf(self.max_ratio):
            return least, None
        return least, max(math.floor(rows * self.max_ratio), rows + self.slack)


def check(
    facts: Mapping[str, TableFacts],
    last: Mapping[str, TableOutcome],
    bounds: RowBounds,
) -> list[RuleOutcome]:
    """Apply all rules.

    Parameters
    ----------
    facts
        The build, by table.
    last
        The tables of the last build; empty when there is none.
    """
    return [
        outcome
        for name, table in facts.items()
        for outcome in (
            *_not_empty(name, table),
            *_keys_unique(name, table),
            *_required_columns(name, table),
            *_references_whole(name, table),
            *_rows_within_bounds(name, table, last, bounds),
        )
    ]


def _not_empty(name: str, table: TableFacts) -> Iterator[RuleOutcome]:
    if name in NEVER_EMPTY:
        yield RuleOutcome(rule=f"not_empty:{name}", passed=table.rows > 0, detail=_rows(table.rows))


def _keys_unique(name: str, table: TableFacts) -> Iterator[RuleOutcome]:
    repeated = table.rows - table.distinct_keys
    detail = f"{repeated} of {_rows(table.rows)} repeat a key ({', '.join(CURATED[name].key)})"
    yield RuleOutcome(rule=f"keys_unique:{name}", passed=repeated == 0, detail=detail)


def _required_columns(name: str, table: TableFacts) -> Iterator[RuleOutcome]:
    found = {column: count for column, count in table.nulls.items() if count}
    detail = ", ".join(f"{column} is null {n} times" for column, n in sorted(found.items()))
    yield RuleOutcome(
        rule=f"required_columns:{name}", passed=not found, detail=detail or "no null among them"
    )


def _references_whole(name: str, table: TableFacts) -> Iterator[RuleOutcome]:
    for column, orphans in table.orphans.items():
        target, _ = CURATED[name].references[column]
        yield RuleOutcome(
            rule=f"references_whole:{name}.{column}",
            passed=orphans == 0,
            detail=f"{_rows(orphans)} without their row in {target}",
        )


def _rows_within_bounds(
    name: str, table: TableFacts, last: Mapping[str, TableOutcome], bounds: RowBounds
) -> Iterator[RuleOutcome]:
    if name in last:
        least, most = bounds.of(last[name].rows)
        yield RuleOutcome(
            rule=f"rows_within_bounds:{name}",
            passed=least <= table.rows and (most is None or table.rows <= most),
            detail=f"{_rows(table.rows)} after {last[name].rows}, where {least} to"
            f" {'any number' if most is None else most} may be",
        )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
