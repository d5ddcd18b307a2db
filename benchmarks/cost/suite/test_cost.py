"""The estimate is up to date, and behaves as costs do."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks.cost.suite import model, shares
from benchmarks.cost.suite.document import DOCUMENT, million, render
from benchmarks.cost.suite.figures import alarm_metrics, custom_metrics, default, prices, read

SMALL, MEDIUM, LARGE = model.SCENARIOS


def test_the_document_is_what_the_figures_give() -> None:
    command = "./pants run benchmarks/cost/suite/document.py"
    assert DOCUMENT.read_text("utf-8") == render(), f"docs/cost.md is stale: {command}"


def test_the_readme_says_what_a_million_records_cost() -> None:
    assert million() in " ".join(Path("README.md").read_text("utf-8").split())


@pytest.mark.parametrize("name", ["measured.json", "measured_etl.json"])
def test_measurements_say_where_they_come_from(name: str) -> None:
    provenance = read(name)["provenance"]

    assert date.fromisoformat(provenance["date"])
    assert provenance["command"].startswith("./pants run benchmarks/")
    assert provenance["machine"]


def test_prices_say_where_they_come_from() -> None:
    assert all(price.page.startswith("https://aws.amazon.com/") for price in prices().values())
    assert all(price.usd > 0 and price.per > 0 for price in prices().values())


def test_every_price_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()

    class Noting(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            used.add(name)
            return super().__getitem__(name)

    noting = Noting(prices())
    for module in ("model", "document"):
        monkeypatch.setattr(f"benchmarks.cost.suite.{module}.prices", lambda: noting)
    render()
    monkeypatch.setattr(model, "LEAST_BYTES_MOVED", 0)
    model.storage(SMALL)

    assert used == set(prices())


@pytest.mark.parametrize("item", model.ITEMS)
@pytest.mark.parametrize("field", ["subjects", "works_each", "runs"])
def test_more_work_does_not_cost_less(item: str, field: str) -> None:
    more = replace(MEDIUM, **{field: 2 * getattr(MEDIUM, field)})

    assert model.ITEMS[item](more) >= model.ITEMS[item](MEDIUM) > 0


def test_a_lake_that_does_nothing_costs_what_is_fixed() -> None:
    idle = replace(SMALL, runs=0)

    assert model.watching(idle) == model.watching(LARGE)
    assert model.etl(idle) == model.logs(replace(idle, runs=0)) - model.logs(idle) == 0


def test_arm64_costs_less() -> None:
    assert model.functions(MEDIUM, "arm64") < model.functions(MEDIUM)


def test_shares_are_found_from_three_shapes() -> None:
    def taken(subjects: int, pages_each: int) -> float:
        return 5 + 1 * subjects + 2 * subjects * pages_each

    found = shares.of({shape: taken(*shape) for shape in shares.SHAPES})

    assert found == {"page": 2, "subject": 1, "run": 5}


def test_figures_of_the_templates_are_found() -> None:
    assert default("process", "MemorySize") == 1769
    assert default("ingest", "PageSize") == 500
    assert custom_metrics() > 20
    assert alarm_metrics() > 15
    with pytest.raises(KeyError, match="no parameter Nothing"):
        default("process", "Nothing")
