"""The page and the figures: whole, offline, readable, and unmoved by hostile texts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest

from analytics.dashboard.definition import Chart, dashboard
from analytics.dashboard.report_data import Cell, ReportData, Row, SubjectRows, chart_rows
from analytics.renderers.plotly.__main__ import main
from analytics.renderers.plotly.conftest import HOSTILE, data_of, rows_for
from analytics.renderers.plotly.figures import (
    OTHERS,
    as_image,
    figure,
    series_colours,
)
from analytics.renderers.plotly.formats import finding_of, text_of, wrapped
from analytics.renderers.plotly.page import footer_line, page
from analytics.renderers.plotly.shown import as_shown, hidden_before
from analytics.renderers.plotly.theme import DARK, LIGHT, MUTED, Theme

DRAWN = [chart for chart in dashboard().charts if chart.category is not None]
CHARTS = {chart.id: chart for chart in dashboard().charts}


class _Elements(HTMLParser):
    """Collects elements and the addresses that they load."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def _elements(text: str) -> _Elements:
    found = _Elements()
    found.feed(text)
    return found


@pytest.mark.parametrize("chart", DRAWN, ids=lambda chart: chart.id)
def test_plotly_accepts_every_figure(chart: Chart) -> None:
    made = figure(chart, rows_for(chart))
    go.Figure(data=made["data"], layout=made["layout"])

    image = as_image(chart, rows_for(chart), "A finding", "Source")

    go.Figure(image)
    assert "A finding" in image["layout"]["title"]["text"]


def test_the_page_needs_nothing_else(full: ReportData) -> None:
    text = page(dashboard(), full)

    assert _elements(text).addresses == []
    assert "default-src 'none'" in text
    assert text.count("<section") == len(dashboard().charts)


def test_a_hostile_text_stays_text(full: ReportData) -> None:
    text = page(dashboard(), full)

    assert "img" not in _elements(text).names
    assert HOSTILE not in text
    figures = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert figures is not None
    labels = json.loads(figures[1])["charts"]["authors"]["data"][0]["hovertext"]
    assert all("&lt;img" in label and "<img" not in label for label in labels)


def test_an_empty_lake_has_a_page(empty: ReportData) -> None:
    text = page(dashboard(), empty)

    assert "Growth needs two runs of a subject" in text
    assert 'id="chart-' not in text
    assert "Newest run: none yet" in text


def test_provenance_is_told(full: ReportData) -> None:
    text = page(dashboard(), full)

    assert "20261123T060000Z (complete)" in text
    assert "made 2026-11-23 07:00 UTC" in text
    assert "may lack works" not in text


STAND_IN = {"kind": "stand-in", "name": "127.0.0.1", "works": 30}
REAL = {"kind": "openlibrary", "name": "openlibrary.org", "works": 7}
DUMP = {"kind": "dump", "name": "ol_dump_works_2026-09-30.txt.gz", "works": 3}


def _of_sources(*sources: dict[str, object]) -> ReportData:
    return data_of({chart.id: rows_for(chart) for chart in dashboard().charts}, sources=sources)


def test_works_of_a_stand_in_are_called_so_in_page_and_images() -> None:
    data = _of_sources(STAND_IN, DUMP)

    text = page(dashboard(), data)

    assert "30 of 33 works here are synthetic" in text
    assert "a stand-in of OpenLibrary (127.0.0.1), 30 synthetic works" in text
    assert "dump ol_dump_works_2026-09-30.txt.gz, 3 works" in text
    assert "openlibrary.org" not in "".join(_elements(text).addresses)
    footer = footer_line(data.provenance)
    image = as_image(CHARTS["authors"], rows_for(CHARTS["authors"]), "x", footer, synthetic=True)
    assert "synthetic works" in image["layout"]["title"]["text"]
    assert "stand-in of OpenLibrary" in image["layout"]["annotations"][0]["text"]


def test_real_works_are_linked_to_their_pages() -> None:
    data = _of_sources(REAL, DUMP)
    row: Row = {"subject": "London (place)", "subject_key": "place:london", "works": 1}
    row |= {"source_works": 2, "lake_works": 1}
    data.rows["subjects"][:] = [row]

    text = page(dashboard(), data)

    assert '<a href="https://openlibrary.org/subjects/place:london">London (place)</a>' in text
    assert "synthetic" not in text
    assert "OpenLibrary&#x27;s API (openlibrary.org), 7 works" in text


def test_a_subject_can_be_chosen_and_changes_headings_charts_and_tables() -> None:
    authors: list[Row] = [{"author": "Emma", "author_key": "/authors/OL1A", "works": 4, "rank": 1}]
    data = _of_sources(REAL)
    narrowed = {
        "love": SubjectRows(name="Love", rows={"years": [], "authors": authors, "works": []})
    }

    text = page(dashboard(), data.model_copy(update={"subjects": narrowed}))

    assert '<option value="love">Love</option>' in text
    content = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert content is not None
    of_love = json.loads(content[1])["subjects"]["love"]
    assert of_love["authors"]["finding"] == "Emma has the most works: 4"
    assert of_love["authors"]["figure"]["data"][0]["x"] == [4]
    assert '<a href="https://openlibrary.org/authors/OL1A">Emma</a>' in of_love["authors"]["table"]
    assert of_love["years"]["figure"] is None


def test_without_scripts_the_page_says_so_and_its_tables_are_open(full: ReportData) -> None:
    text = page(dashboard(), full)

    assert "<noscript>" in text
    assert text.count("<details open>") == len(DRAWN)


def test_what_changed_since_the_run_before_is_told_first() -> None:
    data = _of_sources(REAL)
    data.rows["growth"][:] = _growth(
        {"Love": (10, 15, 14), "Fantasy": (7, 7, 9), "War": (1, 1, 1)}, RUNS[:3]
    )

    text = page(dashboard(), data)

    told = "the source counts 2 works more in 1 subject, 1 fewer in 1, no change in 1."
    assert text.index(told) < text.index("<main>")


def test_a_partial_run_is_told_first() -> None:
    data = data_of(
        {chart.id: rows_for(chart) for chart in dashboard().charts},
        run_status="partial",
        incomplete=[("love", "undercount: 7 of 9")],
    )

    text = page(dashboard(), data)

    note = text.index("The newest run, 20261123T060000Z, is partial")
    assert note < text.index("<main>")
    assert "<li>love: undercount: 7 of 9</li>" in text


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (1234567, "count", "1,234,567"),
        (0.0, "share", "0.0\N{NO-BREAK SPACE}%"),
        (0.8154, "share", "81.5\N{NO-BREAK SPACE}%"),
        (15.234, "times", "15.2\N{NO-BREAK SPACE}times"),
        (1990, "year", "1990"),
        ("2026-11-23T06:00:00", "time", "2026-11-23 06:00"),
        ("2026-11-23T06:00:00", "age", "58 minutes old (2026-11-23 06:00)"),
        ("2026-11-23T04:58:00", "age", "2 hours old (2026-11-23 04:58)"),
        ("2026-11-20T05:00:00", "age", "3 days old (2026-11-20 05:00)"),
        (None, "count", "\N{EN DASH}"),
        (0, "count", "0"),
    ],
)
def test_values_are_told_as_people_read_them(value: Cell, form: str, expected: str) -> None:
    now = datetime(2026, 11, 23, 6, 58, tzinfo=UTC)

    assert text_of(value, form, now) == expected  # type: ignore[arg-type]  # one of the formats


def test_a_finding_of_a_total_is_about_the_category_with_the_most() -> None:
    rows: list[Row] = [
        {"decade": 1980, "access_level": "open", "works": 3},
        {"decade": 1990, "access_level": "print_disabled", "works": 7},
        {"decade": 1990, "access_level": "borrowable", "works": 2},
        {"decade": 2000, "access_level": "none", "works": 8},
        {"decade": 2010, "access_level": "none", "works": None},
    ]

    told = finding_of(CHARTS["decades"], rows)

    assert told == "The 1990s have most works: 9; 2 of them can be borrowed"


def test_series_have_their_order_and_the_quiet_one_its_colour() -> None:
    rows: list[Row] = [
        {"decade": 1990, "access_level": name, "works": 1} for name in ("none", "zebra", "open")
    ]

    assert series_colours(CHARTS["decades"], rows) == {"open": 0, "none": MUTED, "zebra": 2}


RUNS = (
    "2026-12-28T06:00:00",
    "2026-12-29T06:00:00",
    "2026-12-30T06:00:00",
    "2026-12-31T06:00:00",
    "2027-01-01T06:00:00",
)


def _growth(counts: dict[str, tuple[int | None, ...]], runs: tuple[str, ...] = RUNS) -> list[Row]:
    """Return the rows that the chart shows of counts by subject, one for each run it was in."""
    columns = ["run_at", "subject", "works_added"]
    rows = []
    for place, run in enumerate(runs):
        for subject, found in counts.items():
            now, before = found[place], found[place - 1] if place else None
            if now is not None:
                delta = None if before is None else now - before
                rows.append((datetime.fromisoformat(run), subject, delta))
    return chart_rows(CHARTS["growth"], columns, rows)


def test_growth_over_few_runs_is_that_of_the_newest_by_subject() -> None:
    """GIVEN three runs THEN their newest is drawn, a bar for each subject, a loss to the left."""
    rows = _growth({"Love": (10, 15, 14), "Fantasy": (7, 7, 9)}, RUNS[:3])

    chart, _ = as_shown(CHARTS["growth"], rows)
    made = figure(CHARTS["growth"], rows)

    (bars,) = made["data"]
    assert made["layout"]["yaxis"]["ticktext"] == ["Fantasy", "Love"]
    assert (bars["x"], bars["orientation"]) == ([2, -1], "h")
    assert made["layout"]["xaxis"]["range"][0] < -1
    assert chart.title.endswith("run of 2026-12-30 06:00")
    assert not chart.wide


def test_growth_over_many_runs_is_that_between_them() -> None:
    """GIVEN subjects that grow, shrink, stay and come later THEN each pair of runs is a place."""
    rows = _growth(
        {
            "Love": (10, 15, 14, 14, 20),
            "Fantasy": (7, 7, 9, 9, 9),
            "London (place)": (None, 3, 8, 8, 8),
        }
    )

    made = figure(CHARTS["growth"], rows)

    drawn = {trace["name"]: (trace["x"], trace["y"]) for trace in made["data"]}
    assert drawn == {
        "Fantasy": ([0, 1, 2, 3], [0, 2, 0, 0]),
        "London (place)": ([1, 2, 3], [5, 0, 0]),
        "Love": ([0, 1, 2, 3], [5, -1, 0, 6]),
    }
    axis = made["layout"]["xaxis"]
    assert axis["ticktext"] == [
        "29 Dec<br>06:00",
        "30 Dec<br>06:00",
        "31 Dec<br>06:00",
        "1 Jan<br>06:00",
    ]
    assert axis["title"]["text"] == "Run (UTC), 2026\N{EN DASH}2027"
    assert (axis["tickvals"], sum(axis["range"])) == ([0, 1, 2, 3], 3)
    assert made["layout"]["barmode"] == "relative"
    told = finding_of(CHARTS["growth"], rows)
    assert told == "Love grew most between two runs: by 6 works"


@pytest.mark.parametrize("count", range(5, 60))
def test_few_runs_of_many_are_labelled_and_the_newest_is(count: int) -> None:
    runs = tuple(f"2026-{1 + n // 28:02}-{1 + n % 28:02}T06:00:00" for n in range(count))

    axis = figure(CHARTS["growth"], _growth({"Love": tuple(range(count))}, runs))["layout"]["xaxis"]

    assert 1 <= len(axis["tickvals"]) <= 5
    assert axis["tickvals"][-1] == count - 2
    assert len(axis["ticktext"]) == len(axis["tickvals"])


def test_an_axis_of_years_begins_where_the_works_do() -> None:
    """GIVEN three works long before all others THEN the axis leaves them out, and says how many."""
    early: list[Row] = [{"year": 1470 + n, "lake_works": 1} for n in range(3)]
    late: list[Row] = [{"year": year, "lake_works": 10} for year in range(1604, 2020)]

    made = figure(CHARTS["years"], early + late)

    assert hidden_before(CHARTS["years"], early + late) == (1600, 3)
    assert made["layout"]["xaxis"]["range"] == [1600, 2019]
    assert hidden_before(CHARTS["years"], late) is None


def test_no_two_series_have_one_colour_and_nothing_is_left_out() -> None:
    rows = _growth({f"Subject {n:02}": (0, n, 3 * n, 3 * n, 3 * n) for n in range(1, 21)})

    made = figure(CHARTS["growth"], rows)

    assert len(set(made["colours"])) == len(made["data"]) == MUTED
    assert list(series_colours(CHARTS["growth"], rows))[-1] == made["data"][-1]["name"] == OTHERS
    per_run = [sum(trace["y"][place] for trace in made["data"]) for place in (0, 1)]
    assert per_run == [sum(range(1, 21)), 2 * sum(range(1, 21))]
    assert {trace["name"] for trace in made["data"][:-1]} == {f"Subject {n}" for n in range(14, 21)}


def test_two_of_one_name_are_two_bars() -> None:
    rows: list[Row] = [{"author": "A. Smith", "works": 3}, {"author": "A. Smith", "works": 2}]

    made = figure(CHARTS["authors"], rows)

    assert made["data"][0]["y"] == [0, 1]
    assert made["layout"]["yaxis"]["ticktext"] == ["A. Smith", "A. Smith"]


def test_long_labels_are_cut_with_dots() -> None:
    assert wrapped("one two three four five", 9, 2) == ["one two", "three …"]
    assert wrapped("", 9, 2) == [""]


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_can_be_told_from_what_is_behind_them(theme: Theme) -> None:
    assert min(_contrast(colour, theme.card) for colour in theme.series) >= 3
    for behind in (theme.card, theme.page):
        assert _contrast(theme.ink, behind) >= 7
        assert _contrast(theme.soft, behind) >= 4.5


def test_the_command_writes_the_page(
    full: ReportData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "data.json"
    file.write_text(full.model_dump_json(), "utf-8")

    assert main([str(file), str(tmp_path / "out")]) == 0

    told = json.loads(capsys.readouterr().out)
    assert Path(told["page"]).read_text("utf-8").startswith("<!DOCTYPE html>")
    assert told["images"] == []
