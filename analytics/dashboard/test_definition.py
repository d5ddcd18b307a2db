"""The definition fits the views, and one that does not is refused with the reason."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from analytics.dashboard.definition import FILE, dashboard, read_dashboard, rows_of
from analytics.views.definitions import views

TEXT = FILE.read_text("utf-8")


def test_every_view_is_on_the_dashboard() -> None:
    assert {chart.view for chart in dashboard().charts} == set(views())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('view = "ebook_share"', 'view = "nope"', "there is no view nope"),
        ('column = "lake_works"', 'column = "nope"', "view subject_overview has no column nope"),
        ("has the most works: {works}", "has the most: {nope}", "has no column nope"),
        ('id = "pairs"', 'id = "authors"', "two of this name"),
        (
            'column = "ebook_share", label = "With a scan", format = "share"',
            'column = "ebook_share", label = "With a scan", format = "count"',
            "ebook_share is a double and cannot be told as count",
        ),
        ('finding_of = "works"\n', 'finding_of = "access_level"\n', "access_level is not a number"),
        ('where = { subject_key = "#all" }', 'where = { year = "1" }', "year is a number"),
        ('kind = "line"', 'kind = "pie"', "Input should be 'figures'"),
        ('kind = "line"', 'kind = "table"', "has a category if it is drawn"),
        ('kind = "column"', 'kind = "line"', "only columns of one value"),
        ("wide = true", "width = 3", "Extra inputs"),
        ('sort = { column = "year" }\n', "", "all else is sorted"),
    ],
)
def test_a_definition_that_does_not_fit_is_refused(old: str, new: str, message: str) -> None:
    assert old in TEXT

    with pytest.raises(ValidationError, match=re.escape(message)):
        read_dashboard(TEXT.replace(old, new, 1))


def test_rows_are_chosen_sorted_and_limited() -> None:
    chart = next(chart for chart in dashboard().charts if chart.id == "growth")
    columns = ["works_added", "run_at"]

    found = rows_of(chart, columns, [(1, 3), (None, 1), (2, None), (3, 2), (4, 2)])

    assert [row["works_added"] for row in found] == [3, 4, 1, 2]
    descending = chart.model_copy(
        update={
            "sort": chart.sort and chart.sort.model_copy(update={"descending": True}),
            "limit": 3,
        }
    )
    found = rows_of(descending, columns, [(1, 3), (2, None), (3, 2), (4, 2)])
    # Of rows that are equal the first stays first.
    assert [row["works_added"] for row in found] == [1, 3, 4]


def test_rows_are_those_that_have_the_values() -> None:
    chart = next(chart for chart in dashboard().charts if chart.id == "years")
    given = [("love", 1990), ("#all", 2000), ("#all", 1980)]

    found = rows_of(chart, ["subject_key", "year"], given)

    assert [row["year"] for row in found] == [1980, 2000]
