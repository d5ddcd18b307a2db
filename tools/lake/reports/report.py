"""The report: rows of the views, read here and drawn by Plotly in a separate environment."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analytics.dashboard.definition import Chart, dashboard
from analytics.dashboard.report_data import (
    Provenance,
    ReportData,
    Row,
    Source,
    SubjectRows,
    chart_rows,
    is_narrowed,
    of_subject,
)
from analytics.views.definitions import views
from lake.aws import Cloud
from lake.errors import ReportError, UnknownTableError
from lake.project import Project
from lake.query.execute import run_query
from lake.query.tabular import QueryResult
from lake.reports.sources import read_sources
from lake.runs.ledger import read_run
from lake.steps import Say
from schemas.keys import report_key

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}
#: Its names on Debian and macOS and of Chrome; Kaleido tries only some of them.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
LINES_SHOWN = 5
#: Subjects that the page can be narrowed to: each adds some kilobytes to it.
MAX_SUBJECTS = 20


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes
    ----------
    page
        Path of the page.
    images
        Paths of the images; empty if none were asked for.
    run_id
        The newest run that it shows.
    published
        S3 URIs of the objects in the data bucket.
    """

    page: str
    images: list[str]
    run_id: str | None
    published: list[str]


def make_report(
    cloud: Cloud, python: Path, project: Project, output: Path, *, images: bool, on_step: Say
) -> Report:
    """Read the views, write the page and the images, and publish them.

    Parameters
    ----------
    python
        Of the environment that has Plotly.
    output
        Folder for the page; the images go to `images` in it.

    Raises
    ------
    ReportError
        There is nothing to show, or drawing failed.
    """
    data = read_data(cloud, on_step)
    on_step("draw")
    drawn = draw(data, python, project, output, images=images)
    on_step("publish")
    paths = [Path(drawn["page"]), *(Path(path) for path in drawn["images"])]
    run_id = data.provenance.run_id
    return Report(
        page=str(paths[0]),
        images=[str(path) for path in paths[1:]],
        run_id=run_id,
        published=publish(cloud, paths, run_id or "none"),
    )


def read_data(cloud: Cloud, on_step: Say, filesystem: Any = None) -> ReportData:
    """Return the rows of every chart; a view of several charts is queried once.

    Raises
    ------
    ReportError
        There are no curated tables.
    """
    charts = dashboard().charts
    results = {}
    for name in dict.fromkeys(chart.view for chart in charts):
        on_step(f"view {name}")
        try:
            results[name] = run_query(cloud, views()[name].sql, filesystem)
        except UnknownTableError as error:
            raise ReportError(
                f"There is nothing to show yet: {error.message}",
                f"Run '{cloud.command('etl')}' first.",
            ) from error
    rows = {chart.id: _rows(chart, results) for chart in charts}
    on_step("sources")
    return ReportData(
        provenance=_provenance(cloud, rows, read_sources(cloud, filesystem)),
        rows=rows,
        subjects=_of_subjects(charts, results),
    )


def _rows(chart: Chart, results: Mapping[str, QueryResult]) -> list[Row]:
    return chart_rows(chart, results[chart.view].columns, results[chart.view].rows)


def _of_subjects(
    charts: Sequence[Chart], results: Mapping[str, QueryResult]
) -> dict[str, SubjectRows]:
    overview = results["subject_overview"]
    largest = [dict(zip(overview.columns, row, strict=True)) for row in overview.rows]
    narrowed = [chart for chart in charts if is_narrowed(chart)]
    return {
        key: SubjectRows(
            name=subject["subject"],
            rows={chart.id: _rows(of_subject(chart, key), results) for chart in narrowed},
        )
        for subject in largest[:MAX_SUBJECTS]
        for key in [subject["subject_key"]]
    }


def draw(
    data: ReportData, python: Path, project: Project, output: Path, *, images: bool
) -> dict[str, Any]:
    """Write the page and the images in a separate process; return their paths.

    Raises
    ------
    ReportError
        It failed, or there is no browser for the images.
    """
    words = [str(output), *(["--images"] if images else [])]
    path = os.pathsep.join(str(folder) for folder in (project.root, project.root / "libs"))
    environment = {**os.environ, "PYTHONPATH": path} | _browser()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.json"
        file.write_text(data.model_dump_json(), "utf-8")
        done = subprocess.run(
            [str(python), "-P", "-m", "analytics.renderers.plotly", str(file), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    return _drawn(done.returncode, done.stdout, done.stderr)


def publish(cloud: Cloud, paths: Sequence[Path], name: str) -> list[str]:
    """Put a page and its images under `reports/`; return their URIs, the page's first.

    The page is stored twice: under the name of its run, and as the latest.
    """
    bucket = cloud.parameter("foundation/data-bucket")
    page, *images = paths
    files = {f"{name}.html": page, "latest.html": page}
    files |= {f"{name}/{image.name}": image for image in images}
    objects = {report_key(file): path for file, path in files.items()}
    for key, path in objects.items():
        cloud.client("s3").put_object(
            Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType=TYPES[path.suffix]
        )
    return [f"s3://{bucket}/{key}" for key in objects]


def _provenance(
    cloud: Cloud, rows: dict[str, list[Row]], sources: tuple[Source, ...]
) -> Provenance:
    (summary,) = rows[dashboard().charts[0].id]
    run_id = summary["newest_run_id"]
    manifest = None
    if isinstance(run_id, str):
        bucket = cloud.parameter("foundation/data-bucket")
        manifest = read_run(cloud, bucket, run_id).manifest
    short = [s for s in manifest.subjects if s.status != "complete"] if manifest else []
    return Provenance(
        environment="local AWS" if cloud.is_local else f"{cloud.env} on AWS, {cloud.region}",
        generated_at=datetime.now(UTC),
        run_id=run_id if isinstance(run_id, str) else None,
        run_status=manifest.status if manifest else None,
        incomplete=tuple((found.subject, found.reason or found.status) for found in short),
        sources=sources,
    )


def _browser() -> dict[str, str]:
    """Return the variable that points Kaleido to the browser, unless the user set it."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return {"BROWSER_PATH": found} if found and "BROWSER_PATH" not in os.environ else {}


def _drawn(status: int, output: str, errors: str) -> dict[str, Any]:
    try:
        drawn: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last_lines = "\n".join(errors.strip().splitlines()[-LINES_SHOWN:])
        raise ReportError(
            f"The report could not be drawn (status {status}):\n{last_lines}"
        ) from None
    if "browser_missing" in drawn:
        raise ReportError(
            "Images need Chromium or Chrome, and neither could be started."
            f" The page is written: {drawn['page']}",
            "Install one ('apt install chromium', 'brew install --cask chromium') or name it in"
            " BROWSER_PATH.",
        )
    return drawn
