"""What the assets, and the series in them, are called."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from analytics.dashboard.definition import Chart

Json = dict[str, Any]

#: The version of Superset's format, in each of its files.
VERSION: Final = "1.0.0"
SLUG: Final = "openlake"
COLOURS: Final = "openlake"
#: What is made here is told by this from what somebody made in Superset.
ORIGIN: Final = "https://openlake.invalid/analytics/dashboard/dashboard.toml"

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, ORIGIN)
#: Hardly seen, and sorts before letters: Superset sorts series by name or size, by nothing else.
_HAIR: Final = "\N{HAIR SPACE}"


def identifier(kind: str, name: str) -> str:
    """Return the id of an asset: the same at every import, so that it is brought up to date."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def chart_names(chart: Chart) -> list[str]:
    """Return the names of the assets that show a chart: figures are one each."""
    if chart.kind == "figures":
        return [f"{chart.id}-{value.column}" for value in chart.values]
    return [chart.id]


def series_labels(chart: Chart) -> list[str]:
    """Return what the values are called, so that they stay in their order."""
    return in_order([value.label for value in chart.values])


def in_order(labels: Sequence[str]) -> list[str]:
    """Return labels that sort in the order in which they are given."""
    return [_HAIR * (len(labels) - 1 - place) + label for place, label in enumerate(labels)]


def words(name: str) -> str:
    """Return a name as words."""
    return name.replace("_", " ")


def readable(label: str) -> str:
    """Return a label of a series as people see it."""
    return label.lstrip(_HAIR)
