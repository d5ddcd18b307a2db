import pytest

from analytics.views.definitions import views
from lake.errors import QueryError
from lake.query.dialect.statement import parse
from lake.query.view_queries import described_views, wanted_query


def test_a_statement_is_run_as_written() -> None:
    assert wanted_query("SELECT 1", None) == "SELECT 1"


@pytest.mark.parametrize("name", views())
def test_a_view_is_run_by_its_own_text(name: str) -> None:
    assert wanted_query(None, name) == parse(views()[name].sql).sql


@pytest.mark.parametrize(("sql", "view"), [(None, None), ("SELECT 1", "lake_summary")])
def test_neither_or_both_are_refused(sql: str | None, view: str | None) -> None:
    with pytest.raises(QueryError, match="Give one query") as caught:
        wanted_query(sql, view)
    assert "--view lake_summary" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "",
        "works",
        "LAKE_SUMMARY",
        "lake_summary; DROP TABLE works",
        "lake_summary' OR '1'='1",
        'lake_summary" --',
        "lake_summary /* */",
        "../views/lake_summary",
        "../../../../etc/passwd",
        "\N{PILE OF POO}",
        "\x1b[2J\x00",
        "\udcff",
        "x" * 100_000,
    ],
)
def test_an_unknown_view_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(QueryError, match="There is no view") as caught:
        wanted_query(None, name)
    assert len(caught.value.message) < 100
    assert caught.value.message.isprintable()
    assert ", ".join(views()) in caught.value.hint


def test_every_view_is_described_on_a_line() -> None:
    assert [line.split()[0] for line in described_views()] == list(views())
    assert all(
        line.endswith(view.description)
        for line, view in zip(described_views(), views().values(), strict=True)
    )
