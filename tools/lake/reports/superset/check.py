"""Compare what Superset shows in a browser with the lake, chart by chart."""

import json
import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analytics.dashboard.definition import Chart, DisplayColumn, dashboard
from analytics.dashboard.report_data import Cell, ReportData, Row
from analytics.renderers.superset.names import SLUG, chart_names, identifier, readable
from lake.errors import PrerequisiteError, SupersetError
from lake.reports.report import BROWSERS
from lake.reports.superset.server import USER, Site

TIMEOUT_SECONDS = 120.0
LINES_SHOWN = 5

#: The figures of a chart, by their labels.
Facts = dict[tuple[str, ...], Cell]


@dataclass(frozen=True)
class ChartCheck:
    """The outcome for one chart of the dashboard.

    Attributes
    ----------
    chart
        Its name in the bundle.
    state
        `drawn`, `empty`, or what is wrong: `error`, `blank`, `loading`, `missing`.
    figures
        How many figures were compared with the lake's.
    first
        The first of them, as Superset sent it to the browser.
    problem
        What is wrong; empty if nothing is.
    """

    chart: str
    title: str
    state: str
    figures: int
    first: str
    problem: str


def check(site: Site, data: ReportData, screenshot: Path | None) -> list[ChartCheck]:
    """Open the served dashboard in a browser, and compare it with the lake's rows.

    Raises
    ------
    PrerequisiteError
        There is no browser.
    SupersetError
        The login fails, or the dashboard does not open.
    """
    found = _look(site, screenshot)
    return [
        check_chart(chart, name, place, data.rows[chart.id], found.get(identifier("chart", name)))
        for chart in dashboard().charts
        for place, name in enumerate(chart_names(chart))
    ]


def raise_on_mismatch(charts: Sequence[ChartCheck]) -> None:
    """Raise an error that lists the charts that differ from the lake.

    Raises
    ------
    SupersetError
        A chart differs from the lake.
    """
    wrong = [f"{chart.chart}: {chart.problem}" for chart in charts if chart.problem]
    if wrong:
        raise SupersetError(
            f"{len(wrong)} of {len(charts)} charts differ from the lake:\n" + "\n".join(wrong)
        )


def to_json(charts: Sequence[ChartCheck], seconds: Mapping[str, float]) -> str:
    """Return the outcomes as JSON."""
    return json.dumps(
        {"charts": [asdict(chart) for chart in charts], "seconds": seconds},
        indent=2,
        ensure_ascii=False,
    )


def check_chart(
    chart: Chart, name: str, place: int, rows: Sequence[Row], found: Mapping[str, Any] | None
) -> ChartCheck:
    """Return whether a chart shows what is in the lake.

    Parameters
    ----------
    place
        Which of the figures it is, if it is one.
    rows
        The rows of the lake that it should show.
    found
        What the browser found; None where the chart is not on the dashboard.
    """
    values = chart.values[place : place + 1] if chart.kind == "figures" else chart.values
    title = values[0].label if chart.kind == "figures" else chart.title
    expected = facts(chart, values, rows)
    state = str(found["state"]) if found else "missing"
    shown = _shown(chart, values, found)
    first = next((f"{', '.join(key)}: {value}" for key, value in shown.items()), "")
    problem = _problem(state, expected, shown, _error(found))
    return ChartCheck(name, title, state, len(expected), first, problem)


def facts(chart: Chart, values: Sequence[DisplayColumn], rows: Sequence[Row]) -> Facts:
    """Return the figures that a chart should show; of those with one label, the largest."""
    made: Facts = {}
    for number, row in enumerate(rows):
        for value in values:
            key: tuple[str, ...] = (value.label,)
            if chart.kind == "table":
                key = (str(number), value.label)
            elif chart.category is not None:
                series = value.label
                if chart.series is not None:
                    series = str(row[chart.series.column]).replace("_", " ")
                key = (_category(chart.category, row), series)
            cell = row[value.column]
            if cell is not None:
                made[key] = max(made[key], cell) if key in made else cell  # type: ignore[type-var]
    return made


def _category(category: DisplayColumn, row: Row) -> str:
    text = str(row[category.column])
    return text.replace("T", " ")[:16] if category.format == "time" else text


def _shown(chart: Chart, values: Sequence[DisplayColumn], found: Mapping[str, Any] | None) -> Facts:
    """Return what Superset sent to the browser, in the form of :func:`facts`."""
    result = ((found or {}).get("answer") or {}).get("body", {}).get("result") or [{}]
    rows = [{readable(key): v for key, v in row.items()} for row in result[0].get("data") or []]
    made: Facts = {}
    for number, row in enumerate(rows):
        cells: Facts
        if chart.kind == "table":
            cells = {(str(number), v.label): _cell(v, row.get(v.column)) for v in values}
        elif chart.category is None:
            cells = {(v.label,): row.get(v.label) for v in values}
        else:
            axis = chart.category.label if chart.category.format == "time" else None
            axis = axis or chart.category.column
            labels = {v.label for v in values}
            cells = {
                (str(row.get(axis)), key): value
                for key, value in row.items()
                if key != axis and (chart.series is not None or key in labels)
            }
        made |= {key: value for key, value in cells.items() if value is not None}
    return made


def _cell(value: DisplayColumn, cell: Cell) -> Cell:
    if value.format != "time" or not isinstance(cell, int | float):
        return cell
    # Superset has times in milliseconds; the lake's rows have whole seconds.
    return datetime.fromtimestamp(int(cell // 1000), UTC).replace(tzinfo=None).isoformat()


def _error(found: Mapping[str, Any] | None) -> str:
    answer = (found or {}).get("answer") or {}
    body = answer.get("body", {})
    errors = [error.get("message") for error in body.get("errors", [])]
    results = [result.get("error") for result in body.get("result") or []]
    first = next((str(text) for text in (*errors, body.get("message"), *results) if text), "")
    return first.splitlines()[0][:200] if first else ""


def _problem(state: str, expected: Facts, shown: Facts, error: str) -> str:
    if state in ("missing", "loading", "error", "blank"):
        words = {
            "missing": "it is not on the dashboard",
            "loading": "it did not finish loading",
            "error": "Superset shows an error",
            "blank": "nothing is drawn",
        }
        return words[state] + (f": {error}" if error else "")
    if bool(expected) != (state == "drawn"):
        expectation = f"{len(expected)} figures" if expected else "none"
        return f"it is {state}, and the lake has {expectation}"
    return next(_differences(expected, shown), "")


def _differences(expected: Facts, shown: Facts) -> Iterator[str]:
    for key in dict.fromkeys((*expected, *shown)):
        ours, theirs = expected.get(key), shown.get(key)
        if not _equal(ours, theirs):
            yield f"{', '.join(key)} is {theirs} in Superset and {ours} in the lake"


def _equal(one: Cell, other: Cell) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _look(site: Site, screenshot: Path | None) -> dict[str, Any]:
    request = {
        "timeout": TIMEOUT_SECONDS,
        "browser": browser(),
        "login_url": f"http://127.0.0.1:{site.port}/login/",
        "url": site.url,
        "slug": SLUG,
        "user": USER,
        "password_file": str(site.password_file),
        "screenshot": str(screenshot) if screenshot else None,
        "charts": [
            identifier("chart", name) for chart in dashboard().charts for name in chart_names(chart)
        ],
    }
    done = subprocess.run(
        [str(site.python), "-P", "-m", "analytics.renderers.superset.browser"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=site.environment(),
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last_lines = "\n".join(done.stderr.strip().splitlines()[-LINES_SHOWN:])
        raise SupersetError(f"The dashboard could not be checked:\n{last_lines}") from None
    if "browser_missing" in found:
        raise _no_browser(found["browser_missing"])
    if "failed" in found:
        raise SupersetError(f"The dashboard could not be checked: {found['failed']}.")
    charts: dict[str, Any] = found["charts"]
    return charts


def browser() -> str:
    """Return the path of a browser.

    Raises
    ------
    PrerequisiteError
        No browser was found.
    """
    named = os.environ.get("BROWSER_PATH")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not (named or found):
        raise _no_browser("none was found")
    return str(named or found)


def _no_browser(reason: str) -> PrerequisiteError:
    return PrerequisiteError(
        f"Checking Superset needs Chromium or Chrome: {reason}",
        "Install one ('apt install chromium', 'brew install --cask chromium') or name it in"
        " BROWSER_PATH.",
    )
