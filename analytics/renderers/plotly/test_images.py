"""Images by a real browser; where there is none, only what is said then is tested."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analytics.dashboard.definition import dashboard
from analytics.dashboard.report_data import Row
from analytics.renderers.plotly.__main__ import main
from analytics.renderers.plotly.conftest import data_of, rows_for

STARTS = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows: dict[str, list[Row]] = {chart.id: [] for chart in dashboard().charts}
    authors = next(chart for chart in dashboard().charts if chart.id == "authors")
    path = tmp_path / "data.json"
    path.write_text(data_of(rows | {"authors": rows_for(authors)}).model_dump_json(), "utf-8")
    return path


@pytest.mark.enable_socket()  # the browser is told what to draw by way of a local page
def test_images_are_drawn_by_the_browser(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no chromium or google-chrome on the PATH to draw images with")
    monkeypatch.setenv("BROWSER_PATH", browser)

    assert main([str(data), str(data.parent / "out"), "--images"]) == 0

    paths = [Path(path) for path in json.loads(capsys.readouterr().out)["images"]]
    assert [path.name for path in paths] == ["authors.png", "authors.svg", "authors.pdf"]
    for path in paths:
        assert path.read_bytes().startswith(STARTS[path.suffix[1:]])


def test_without_a_browser_that_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nonexistent/chromium")

    assert main([str(data), str(data.parent / "out"), "--images"]) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["browser_missing"]
    assert Path(told["page"]).exists()
