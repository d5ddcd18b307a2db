"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any, Final

from plotly.offline import get_plotlyjs

from analytics.dashboard.definition import Chart, Dashboard
from analytics.dashboard.report_data import Provenance, ReportData, Row, is_narrowed
from analytics.renderers.plotly.figures import figure, series_colours
from analytics.renderers.plotly.formats import finding_of, text_of
from analytics.renderers.plotly.shown import as_shown, caption
from analytics.renderers.plotly.tables import table
from analytics.renderers.plotly.theme import DARK, FONT, LIGHT, Theme
from analytics.views.definitions import views

_HERE: Final = Path(__file__).parent
#: Scripts and styles of the page itself, and nothing from anywhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src data: blob:; base-uri 'none'; form-action 'none'"
)
_NO_SCRIPT: Final = (
    '<noscript><div class="note" role="note">The charts need JavaScript, which is off here. Their'
    " figures are in the tables.</div></noscript>\n"
)


def page(dashboard: Dashboard, data: ReportData) -> str:
    """Return the whole page."""
    themes = {
        name: {"series": theme.series, "template": theme.template()}
        for name, theme in (("light", LIGHT), ("dark", DARK))
    }
    charts = [chart for chart in dashboard.charts if _is_drawn(chart, data.rows[chart.id])]
    content = {
        "charts": {chart.id: figure(chart, data.rows[chart.id]) for chart in charts},
        "subjects": _of_subjects(dashboard, data),
        "themes": themes,
    }
    sections = "\n".join(_section(chart, data) for chart in dashboard.charts)
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
{_header(dashboard, data)}</header>
<main>
{sections}
</main>
<footer>
{_footer(dashboard, data.provenance)}</footer>
<script type="application/json" id="data">{_json(content)}</script>
<script>{get_plotlyjs()}</script>
<script>{(_HERE / "page.js").read_text("utf-8")}</script>
</body>
</html>
"""


def footer_line(provenance: Provenance) -> str:
    """Return where the figures come from, in a line."""
    run = f"run {provenance.run_id}" if provenance.run_id else "no run yet"
    return f"Source: {provenance.source_line} · {run} · made {_moment(provenance)}"


def _moment(provenance: Provenance) -> str:
    return f"{provenance.generated_at:%Y-%m-%d %H:%M} UTC"


def _header(dashboard: Dashboard, data: ReportData) -> str:
    figures = dashboard.charts[0]
    words = [
        finding_of(figures, data.rows[figures.id]),
        data.provenance.environment,
        f"made {_moment(data.provenance)}",
    ]
    lines = [
        " · ".join(words),
        f"Source: {data.provenance.source_line}",
        *_changes(dashboard, data),
    ]
    told = "".join(f"<p>{escape(line)}</p>\n" for line in lines)
    return f"{told}{_synthetic(data.provenance)}{_note(data.provenance)}{_NO_SCRIPT}{_choice(data)}"


def _changes(dashboard: Dashboard, data: ReportData) -> list[str]:
    """Return what the source counts since the run before the newest, as one sentence or none."""
    rows = [
        row for chart in dashboard.charts if chart.id == "growth" for row in data.rows[chart.id]
    ]
    if not rows:
        return []
    newest = max(str(row["run_at"]) for row in rows)
    deltas = [int(row["works_added"] or 0) for row in rows if row["run_at"] == newest]
    gained, lost = [d for d in deltas if d > 0], [-d for d in deltas if d < 0]
    parts = [f"{sum(gained):,} works more in {_subjects(len(gained))}"] if gained else []
    parts += [f"{sum(lost):,} fewer in {len(lost)}"] if lost else []
    same = len(deltas) - len(gained) - len(lost)
    parts += [f"no change in {same}"] if same else []
    return [f"Since the run before, the source counts {', '.join(parts)}."]


def _subjects(number: int) -> str:
    return f"{number} subject{'' if number == 1 else 's'}"


def _synthetic(provenance: Provenance) -> str:
    works = provenance.synthetic_works
    if not works:
        return ""
    total = sum(source.works for source in provenance.sources)
    which = "All works here" if works == total else f"{works:,} of {total:,} works here"
    return (
        f'<div class="note" role="note"><strong>Demonstration.</strong> {which} are synthetic:'
        " they come from a stand-in of OpenLibrary, and say nothing about real books.</div>\n"
    )


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


def _choice(data: ReportData) -> str:
    """Return the choice of a subject; without scripts it does nothing and is not shown."""
    if not data.subjects:
        return ""
    options = "".join(
        f'<option value="{escape(key)}">{escape(found.name)}</option>'
        for key, found in data.subjects.items()
    )
    return (
        '<p class="choice" hidden><label>Years, authors and works of <select id="subject">'
        f'<option value="">all subjects</option>{options}</select></label></p>\n'
    )


def _section(chart: Chart, data: ReportData) -> str:
    rows = data.rows[chart.id]
    if chart.kind == "figures":
        heading = f"<h2>{escape(chart.title)}</h2>\n"
        return f'<section class="wide">\n{heading}{_figures(chart, rows)}</section>'
    shown, _ = as_shown(chart, rows)
    finding = escape(finding_of(chart, rows, data.provenance.generated_at))
    heading = f'<h2>{finding}</h2>\n<p class="caption">{escape(caption(chart, rows))}</p>\n'
    body = _table(chart, data, rows)
    if not rows:
        content = ""
    elif chart.kind == "table":
        content = f'<div class="scroll">{body}</div>\n'
    else:
        content = (
            f"{_legend(chart, rows)}"
            f'<div id="chart-{chart.id}" role="img" aria-label="{finding}. {escape(shown.title)}">'
            "</div>\n<details open><summary>The figures</summary>"
            f'<div class="scroll">{body}</div></details>\n'
        )
    wide = ' class="wide"' if shown.wide else ""
    return f'<section id="section-{chart.id}"{wide}>\n{heading}{content}</section>'


def _of_subjects(dashboard: Dashboard, data: ReportData) -> dict[str, Any]:
    """Return what changes in the page when it is narrowed to a subject, by subject and chart."""
    charts = [chart for chart in dashboard.charts if is_narrowed(chart)]
    all_works = {chart.id: _narrowed(chart, data, data.rows[chart.id]) for chart in charts}
    return {"": all_works} | {
        key: {chart.id: _narrowed(chart, data, found.rows[chart.id]) for chart in charts}
        for key, found in data.subjects.items()
    }


def _narrowed(chart: Chart, data: ReportData, rows: list[Row]) -> dict[str, Any]:
    return {
        "finding": finding_of(chart, rows, data.provenance.generated_at),
        "caption": caption(chart, rows),
        "figure": figure(chart, rows) if _is_drawn(chart, rows) else None,
        "table": _table(chart, data, rows),
    }


def _is_drawn(chart: Chart, rows: list[Row]) -> bool:
    return chart.category is not None and bool(rows)


def _table(chart: Chart, data: ReportData, rows: list[Row]) -> str:
    # A stand-in's keys are nobody's at OpenLibrary.
    real = {source.kind for source in data.provenance.sources} <= {"openlibrary", "dump"}
    columns = chart.values if chart.kind == "table" else chart.shown
    links = real and bool(data.provenance.sources)
    return table(columns, rows, data.provenance.generated_at, links=links)


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


def _footer(dashboard: Dashboard, provenance: Provenance) -> str:
    used = {chart.view for chart in dashboard.charts}
    named = ", ".join(name for name in views() if name in used)
    status = f" ({provenance.run_status})" if provenance.run_status else ""
    run = f"{provenance.run_id}{status}" if provenance.run_id else "none yet"
    lines = [
        f"Source: {provenance.source_line}. Counts are the source's where they say so, else the"
        " lake's.",
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
