"""Run scenarios one after the other on one lake, and show what came to pass."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from itertools import groupby

from lake.operations.check.command import check_lake
from lake.steps import Say
from schemas import keys
from tests.faults import events, machines, matrix, publication
from tests.faults.lab import Lab
from tests.faults.proxy import Kind
from tests.faults.scenario import Outcome, Scenario


@dataclass(frozen=True)
class CampaignResult:
    """The outcomes of a campaign.

    Attributes
    ----------
    check
        What `./lake check --all` found after it; empty when it is clean.
    """

    seed: int
    seconds: float
    outcomes: Sequence[Outcome]
    check: Sequence[str] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """Whether every scenario came out as expected and the whole lake is clean."""
        return not self.check and all(outcome.ok for outcome in self.outcomes)

    def as_json(self) -> dict[str, object]:
        """Return the result for machines."""
        return {**asdict(self), "ok": self.ok}


def all_scenarios() -> list[Scenario]:
    """Return every scenario, in the order in which they run."""
    return [
        *matrix.scenarios(),
        *publication.scenarios(),
        *events.scenarios(),
        *machines.scenarios(),
    ]


def selected(patterns: Sequence[str]) -> list[Scenario]:
    """Return the scenarios whose names match a pattern; all of them when no pattern is given.

    Raises
    ------
    LookupError
        When a pattern matches none.
    """
    known = all_scenarios()
    for pattern in patterns:
        if not any(fnmatch(scenario.name, pattern) for scenario in known):
            raise LookupError(f"no scenario matches {pattern!r}; --list names them all")
    return [
        scenario
        for scenario in known
        if not patterns or any(fnmatch(scenario.name, pattern) for pattern in patterns)
    ]


def run_campaign(
    lab: Lab, scenarios: Iterable[Scenario], *, seed: int, minutes: float, say: Say
) -> CampaignResult:
    """Run scenarios until the last, or until the time is up: then the rest fails."""
    started = time.monotonic()
    outcomes: list[Outcome] = []
    for scenario in scenarios:
        if time.monotonic() - started > minutes * 60:
            outcome = Outcome(scenario.name, scenario.expected, "not begun in time", False, 0.0)
        else:
            outcome = run_scenario(lab, scenario, seed)
        outcomes.append(outcome)
        mark = "ok" if outcome.ok else "FAILED"
        say(f"{len(outcomes):3} {mark:6} {outcome.seconds:5.1f} s  {outcome.name}: {outcome.seen}")
    return CampaignResult(seed, time.monotonic() - started, outcomes, _check_everything(lab))


def run_scenario(lab: Lab, scenario: Scenario, seed: int) -> Outcome:
    """Run one scenario; where it fails, tidy up so that the next one is not disturbed."""
    started = time.monotonic()
    # By name, so that a scenario does the same alone as among others.
    chance = random.Random(f"{seed} {scenario.name}")  # noqa: S311 (not for secrets)
    try:
        seen, ok = scenario.run(lab, chance), True
    except Exception as error:
        seen, ok = f"{type(error).__name__}: {error}", False
        _tidy(lab)
    seconds = round(time.monotonic() - started, 1)
    return Outcome(scenario.name, scenario.expected, seen, ok, seconds)


def _tidy(lab: Lab) -> None:
    lab.deploy()
    lab.purge()
    lab.cloud.client("s3").delete_object(Bucket=lab.bucket, Key=keys.CHECKPOINT_KEY)


def _check_everything(lab: Lab) -> list[str]:
    found = check_lake(lab.cloud, None, everything=True, say=lambda _: None)
    return [f"{one.code} {one.object}: {one.message}" for one in found.differences]


def markdown(result: CampaignResult) -> str:
    """Return the tables of docs/reliability.md: faults by call, then the other scenarios."""
    matrix_names = {one.name for one in (*matrix.scenarios(), *publication.scenarios())}
    kinds: tuple[Kind, ...] = tuple(matrix.EXPECTED)
    lines = ["| call | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    cells = [one for one in result.outcomes if one.name in matrix_names]
    for call, outcomes in groupby(cells, key=lambda one: one.name.partition(":")[0]):
        by_kind = {one.name.partition(":")[2]: one for one in outcomes}
        row = [_cell(by_kind[kind]) if kind in by_kind else "" for kind in kinds]
        if any(row):
            lines.append(f"| `{call}` | " + " | ".join(row) + " |")
    lines += ["", "| scenario | expected | seen |", "|---|---|---|"]
    others = [one for one in result.outcomes if one.name.partition(":")[2] not in kinds]
    lines += [
        f"| `{one.name}` | {one.expected} | {'' if one.ok else '**failed**: '}{one.seen} |"
        for one in others
    ]
    return "\n".join(lines)


def _cell(outcome: Outcome) -> str:
    return outcome.seen.partition(" calls")[0].replace(" of ", "/") if outcome.ok else "**failed**"
