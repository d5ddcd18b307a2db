"""Figures with their targets, as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Result:
    """One figure against its target.

    Attributes
    ----------
    peer
        The same figure of the peer, where it has one.
    met
        Whether the figure, as it is printed, reaches the target.
    """

    name: str
    figure: float
    unit: str
    target: float
    bound: Literal["at most", "at least"]
    peer: float | None
    met: bool


@dataclass(frozen=True)
class Detail:
    """A measured value that results are made from, or that explains them."""

    name: str
    figure: float
    unit: str


@dataclass
class Report:
    """The results of a benchmark, in the order in which they came."""

    results: list[Result] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def at_most(
        self, name: str, figure: float, unit: str, target: float, peer: float | None = None
    ) -> None:
        """Add a figure that should not be above its target."""
        self._add(name, figure, unit, target, "at most", peer)

    def at_least(self, name: str, figure: float, unit: str, target: float) -> None:
        """Add a figure that should not be below its target."""
        self._add(name, figure, unit, target, "at least", None)

    def detail(self, name: str, figure: float, unit: str) -> None:
        """Add a value without a target."""
        self.details.append(Detail(name, round(figure, 3), unit))

    def skip(self, why: str) -> None:
        """Note what was not measured, and why."""
        self.skipped.append(why)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def print(self, console: Console) -> None:
        """Print results and details as tables."""
        results = Table("result", "figure", "unit", "target", "peer", "")
        for one in self.results:
            sign = "<=" if one.bound == "at most" else ">="
            peer = "" if one.peer is None else f"{one.peer:g}"
            verdict = "met" if one.met else "NOT MET"
            results.add_row(
                one.name, f"{one.figure:g}", one.unit, f"{sign} {one.target:g}", peer, verdict
            )
        console.print(results)
        details = Table("detail", "figure", "unit")
        for detail in self.details:
            details.add_row(detail.name, f"{detail.figure:g}", detail.unit)
        console.print(details)
        for why in self.skipped:
            console.print(f"skipped: {why}")

    def _add(
        self,
        name: str,
        figure: float,
        unit: str,
        target: float,
        bound: Literal["at most", "at least"],
        peer: float | None,
    ) -> None:
        figure = round(figure, 2)
        met = figure <= target if bound == "at most" else figure >= target
        peer = None if peer is None else round(peer, 2)
        self.results.append(Result(name, figure, unit, target, bound, peer, met))
