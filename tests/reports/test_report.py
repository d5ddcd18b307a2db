"""The report as the command makes it; what it looks like is tested with Plotly at hand."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from analytics.dashboard.definition import dashboard
from analytics.dashboard.report_data import Provenance, ReportData
from lake.aws import Cloud
from lake.errors import ReportError
from lake.project import Project
from lake.reports import report
from lake.testing.fake_lake import FakeSsm, Lake
from schemas.ledger.run import RunManifest, SubjectOutcome
from tests.views.lake import bucket_of, lake_of
from tests.views.tables import RUNS, random_tables


class FakeS3:
    """Objects by key, of one bucket."""

    exceptions = SimpleNamespace(NoSuchKey=KeyError)

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.metadata: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def get_object(self, **request: str) -> dict[str, Any]:
        return {"Body": SimpleNamespace(read=lambda: self.objects[request["Key"]])} | {
            "ContentLength": len(self.objects[request["Key"]])
        }

    def head_object(self, **request: str) -> dict[str, Any]:
        return {"Metadata": self.metadata[request["Key"]]}

    def put_object(self, **request: Any) -> None:
        self.objects[request["Key"]] = request["Body"]
        self.types[request["Key"]] = request["ContentType"]


class BucketSsm(FakeSsm):
    def get_parameter(self, **request: str) -> dict[str, Any]:
        if request["Name"].endswith("/data-bucket"):
            return {"Parameter": {"Value": "bucket"}}
        return super().get_parameter(**request)


def _with_s3(lake: Lake) -> FakeS3:
    s3 = FakeS3()
    clients = {"glue": lake.glue, "ssm": BucketSsm(), "s3": s3}
    lake.cloud = Cloud(endpoint="http://127.0.0.1:1", _clients=clients)
    return s3


def _read(lake: Lake) -> ReportData:
    filesystem = SubTreeFileSystem(str(lake.folder), LocalFileSystem())
    return report.read_data(lake.cloud, lambda _step: None, filesystem)


def _outcome(subject: str, status: str, reason: str | None) -> SubjectOutcome:
    return SubjectOutcome.model_validate(
        {"subject": subject, "kind": "subject", "status": status, "reason": reason}
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_of(tmp_path, random_tables(bucket_of(tmp_path), works=20))


def test_every_chart_gets_its_rows_and_the_run_is_named(lake: Lake) -> None:
    s3 = _with_s3(lake)
    manifest = RunManifest.model_validate(
        {
            "run_id": RUNS[-1],
            "contract_version": "1",
            "started_at": "2026-11-22T06:00:00Z",
            "finished_at": "2026-11-22T06:10:00Z",
            "status": "partial",
            "subjects": [
                _outcome("love", "complete", None),
                _outcome("war", "partial", "undercount: 7 of 9"),
            ],
        }
    )
    s3.objects[f"runs/run_id={RUNS[-1]}/manifest.json"] = manifest.model_dump_json().encode()

    data = _read(lake)

    assert set(data.rows) == {chart.id for chart in dashboard().charts}
    assert all(data.rows.values())
    assert data.provenance.run_id == RUNS[-1]
    assert data.provenance.run_status == "partial"
    assert data.provenance.incomplete == (("war", "undercount: 7 of 9"),)
    assert {source.kind for source in data.provenance.sources} == {"unknown"}
    assert set(data.subjects["love"].rows) == {"years", "authors", "works"}
    assert ReportData.model_validate_json(data.model_dump_json()) == data


def test_a_lake_without_curated_tables_says_what_to_run(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    _with_s3(lake)

    with pytest.raises(ReportError, match="nothing to show yet") as caught:
        _read(lake)

    assert "./lake etl" in caught.value.hint


def test_the_page_is_published_under_its_run_and_as_the_latest(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    s3 = _with_s3(lake)
    page, image = tmp_path / "report.html", tmp_path / "authors.png"
    page.write_text("page")
    image.write_text("image")

    published = report.publish(lake.cloud, [page, image], "R")

    keys = ["reports/R.html", "reports/latest.html", "reports/R/authors.png"]
    assert published == [f"s3://bucket/{key}" for key in keys]
    assert [s3.types[key] for key in keys] == ["text/html; charset=utf-8"] * 2 + ["image/png"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print('no json')", "could not be drawn"),
        ("import sys; sys.exit('Plotly is broken')", "Plotly is broken"),
        ('print(\'{"page": "p.html", "browser_missing": "none"}\')', "neither could be started"),
    ],
)
def test_a_failed_drawing_says_why(tmp_path: Path, script: str, message: str) -> None:
    package = tmp_path / "analytics/renderers/plotly"
    package.mkdir(parents=True)
    # A package proper, as one without it would give way to the project's own.
    for folder in (package.parents[1], package.parent, package):
        (folder / "__init__.py").touch()
    (package / "__main__.py").write_text(script)
    provenance = Provenance.model_validate(
        {"environment": "e", "generated_at": "2026-11-23T06:00:00Z"}
    )
    data = ReportData(provenance=provenance, rows={})

    with pytest.raises(ReportError, match=message):
        report.draw(data, Path(sys.executable), Project(tmp_path), tmp_path, images=True)
