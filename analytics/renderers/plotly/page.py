"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Final

from plotly.offline import get_plotlyjs

from analytics.dashboard.definition import Chart, Dashboard, DisplayColumn
from analytics.dashboard.report_data import Provenance, ReportData, Row
from analytics.renderers.plotly.figures import figure, series_colours
from analytics.renderers.plotly.formats import finding_of, text_of
from analytics.renderers.plotly.theme import DARK, FONT, LIGHT, Theme
from analytics.views.definitions import views

_HERE: Final = Path(__file__).parent
#: Scripts and styles of the page itself, and nothing from anywhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src data: blob:; base-uri 'none'; form-action 'none'"
)
_NUMBERS: Final = ("count", "share", "times", "year")


def page(dashboard: Dashboard, data: ReportData) -> str:
    """Return the whole page."""
    figures, *others = dashboard.charts
    drawn = {
        chart.id: figure(chart, data.rows[chart.id])
        for chart in others
        if chart.category is not None and data.rows[chart.id]
    }
    themes = {
        name: {"series": theme.series, "template": theme.template()}
        for name, theme in (("light", LIGHT), ("dark", DARK))
    }
    sections = "\n".join(_section(chart, data.rows[chart.id]) for chart in dashboard.charts)
    title = escape(dashboard.title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>
:root {{ --font: {FONT}; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
{(_HERE / "page.css").read_text("utf-8")}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{escape(_dateline(data.provenance, figures, data.rows[figures.id]))}</p>
{_note(data.provenance)}</header>
<main>
{sections}
</main>
<footer>
{_footer(dashboard, data.provenance)}</footer>
<script type="application/json" id="data">{_json({"charts": drawn, "themes": themes})}</script>
<script>{get_plotlyjs()}</script>
<script>{(_HERE / "page.js").read_text("utf-8")}</script>
</body>
</html>
"""


def footer_line(dashboard: Dashboard, provenance: Provenance) -> str:
    """Return where the figures come from, in a line."""
    run = f"run {provenance.run_id}" if provenance.run_id else "no run yet"
    return f"Source: {dashboard.source} · {run} · made {_moment(provenance)}"


def _moment(provenance: Provenance) -> str:
    return f"{provenance.generated_at:%Y-%m-%d %H:%M} UTC"


def _dateline(provenance: Provenance, figures: Chart, rows: list[Row]) -> str:
    words = [finding_of(figures, rows), provenance.environment, f"made {_moment(provenance)}"]
    return " · ".join(words)


def _note(provenance: Provenance) -> str:
    status = provenance.run_status
    if status is None or status == "complete":
        return ""
    items = "".join(
        f"<li>{escape(subject)}: {escape(reason)}</li>" for subject, reason in provenance.incomplete
    )
    listed = f"<ul>{items}</ul>" if items else ""
    return (
        f'<div class="note" role="note">The newest run, {escape(str(provenance.run_id))}, is'
        f" {status}: what follows may lack works.{listed}</div>\n"
    )


def _section(chart: Chart, rows: list[Row]) -> str:
    finding = escape(finding_of(chart, rows))
    wide = ' class="wide"' if chart.wide or chart.kind == "figures" else ""
    if chart.kind == "figures":
        heading = f"<h2>{escape(chart.title)}</h2>\n"
        return f"<section{wide}>\n{heading}{_figures(chart, rows)}</section>"
    heading = f'<h2>{finding}</h2>\n<p class="caption">{escape(chart.title)}</p>\n'
    if not rows:
        body = ""
    elif chart.kind == "table":
        body = f'<div class="scroll">{_table(chart.values, rows)}</div>\n'
    else:
        label = f"{finding}. {escape(chart.title)}"
        body = (
            f"{_legend(chart, rows)}"
            f'<div id="chart-{chart.id}" role="img" aria-label="{label}"></div>\n'
            f"<details><summary>The figures</summary>"
            f'<div class="scroll">{_table(chart.shown, rows)}</div></details>\n'
        )
    return f"<section{wide}>\n{heading}{body}</section>"


def _figures(chart: Chart, rows: list[Row]) -> str:
    row = rows[0] if rows else {}
    items = "".join(
        f"<div><dt>{escape(value.label)}</dt>"
        f"<dd>{escape(text_of(row.get(value.column), value.format))}</dd></div>"
        for value in chart.values
    )
    return f'<dl class="figures">{items}</dl>\n'


def _legend(chart: Chart, rows: list[Row]) -> str:
    colours = series_colours(chart, rows)
    if not colours:
        return ""
    items = "".join(
        f'<li><i style="background:var(--s{colour})"></i>{escape(name)}</li>'
        for name, colour in colours.items()
    )
    return f'<ul class="legend">{items}</ul>\n'


def _table(columns: tuple[DisplayColumn, ...], rows: list[Row]) -> str:
    head = "".join(f"<th{_align(part)}>{escape(part.label)}</th>" for part in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_align(part)}>{escape(text_of(row[part.column], part.format))}</td>"
            for part in columns
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _align(part: DisplayColumn) -> str:
    if part.format in _NUMBERS:
        return ' class="number"'
    return ' class="time"' if part.format == "time" else ""


def _footer(dashboard: Dashboard, provenance: Provenance) -> str:
    used = {chart.view for chart in dashboard.charts}
    named = ", ".join(name for name in views() if name in used)
    status = f" ({provenance.run_status})" if provenance.run_status else ""
    run = f"{provenance.run_id}{status}" if provenance.run_id else "none yet"
    lines = [
        f"Source: {dashboard.source}. Counts are OpenLibrary's where they say so, else the lake's.",
        f"Newest run: {run}. Environment: {provenance.environment}. Made {_moment(provenance)}.",
        f"Views: {named}.",
    ]
    return "".join(f"<p>{escape(line)}</p>\n" for line in lines)


def _variables(theme: Theme) -> str:
    plain = {name: getattr(theme, name) for name in ("page", "card", "ink", "soft", "line")}
    series = {f"s{number}": colour for number, colour in enumerate(theme.series)}
    return " ".join(f"--{name}: {value};" for name, value in (plain | series).items())


def _json(value: object) -> str:
    # Within a script element only "<" could end it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
