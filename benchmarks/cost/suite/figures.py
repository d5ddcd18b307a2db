"""Where the estimate gets its figures: measurements, list prices, and the templates."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
INFRA: Final = Path("infra")


@dataclass(frozen=True)
class Price:
    """A list price: so many dollars for so many of a unit, and the page that says so."""

    usd: float
    per: float
    unit: str
    page: str

    def of(self, amount: float) -> float:
        """Return what an amount costs."""
        return amount * self.usd / self.per


def read(name: str) -> dict[str, Any]:
    """Return a file of figures."""
    found: dict[str, Any] = json.loads((HERE / name).read_text("utf-8"))
    return found


@cache
def prices() -> dict[str, Price]:
    """Return the list prices by name."""
    return {name: Price(**price) for name, price in read("prices.json")["prices"].items()}


@cache
def measured() -> dict[str, float]:
    """Return what was measured, by name and unit."""
    lake = {_label(item): item["figure"] for item in read("measured.json")["details"]}
    return lake | _etl(read("measured_etl.json")["details"])


def _etl(details: list[dict[str, Any]]) -> dict[str, float]:
    """Return what counts of the ETL's benchmark: processor time, and the size of its tables."""
    times = {
        f"{found[1]}: CPU, s": item["figure"]
        for item in details
        if (found := re.fullmatch(r"([\d,]+ works), Spark: CPU", item["name"]))
    }
    size = sum(
        item["figure"]
        for item in details
        if item["unit"] == "MiB" and re.fullmatch(r"1,000,000 works: [a-z_]+", item["name"])
    )
    return times | {"1,000,000 works: curated tables, MiB": size}


def _label(item: dict[str, Any]) -> str:
    return f"{item['name']}, {item['unit']}"


def default(unit: str, parameter: str) -> float:
    """Return the default of a template's parameter that is a number."""
    text = (INFRA / f"{unit}.yaml").read_text("utf-8")
    found = re.search(rf"^  {parameter}:\n    Type: \w+\n    Default: \"?(\d+)", text, re.MULTILINE)
    if not found:
        raise KeyError(f"{unit} has no parameter {parameter} with a number")
    return float(found[1])


def custom_metrics() -> int:
    """Count the metrics that the services report."""
    return len(json.loads((INFRA / "metrics.json").read_text("utf-8"))["metrics"])


def alarm_metrics() -> int:
    """Count the metrics that alarms look at, each of which is charged."""
    text = (INFRA / "monitoring.yaml").read_text("utf-8")
    resources = re.split(r"^  (?=\w+:$)", text, flags=re.MULTILINE)
    alarms = [part for part in resources if "Type: AWS::CloudWatch::Alarm" in part]
    return sum(max(1, part.count("MetricStat:")) for part in alarms)
