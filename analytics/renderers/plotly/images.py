"""Each chart as PNG, SVG and PDF: Plotly's figures, drawn by a browser of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from analytics.dashboard.definition import Dashboard
from analytics.dashboard.report_data import ReportData
from analytics.renderers.plotly.figures import Figure, as_image
from analytics.renderers.plotly.formats import finding_of
from analytics.renderers.plotly.page import footer_line

FORMATS: Final = ("png", "svg", "pdf")


class BrowserMissingError(Exception):
    """No Chromium or Chrome is on this machine, or it does not start."""


def write_images(dashboard: Dashboard, data: ReportData, folder: Path) -> list[Path]:
    """Write the images of every drawn chart that has rows; return their paths.

    Raises
    ------
    BrowserMissingError
        There is no browser to draw them.
    """
    from kaleido import write_fig_from_object_sync
    from kaleido.errors import BrowserFailedError, ChromeNotFoundError

    footer = footer_line(data.provenance)
    synthetic = data.provenance.synthetic_works > 0
    wanted = []
    for chart in dashboard.charts:
        rows = data.rows[chart.id]
        if chart.category is not None and rows:
            drawn = as_image(chart, rows, finding_of(chart, rows), footer, synthetic=synthetic)
            wanted += [_wanted(drawn, folder / f"{chart.id}.{form}") for form in FORMATS]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # One call, as each starts a browser; and without MathJax, which would be fetched from
        # elsewhere and would change texts that hold a $.
        write_fig_from_object_sync(wanted, kopts={"mathjax": False})
    except (ChromeNotFoundError, BrowserFailedError) as error:
        raise BrowserMissingError(str(error)) from error
    return [made["path"] for made in wanted]


def _wanted(drawn: Figure, path: Path) -> dict[str, Any]:
    layout = drawn["layout"]
    size = {name: layout[name] for name in ("width", "height")}
    return {"fig": drawn, "path": path, "opts": {"format": path.suffix[1:], **size}}
