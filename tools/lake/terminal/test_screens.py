import io

import pytest
from rich.console import Console

from lake.aws import Cloud
from lake.etl.refresh import EtlResult
from lake.local.demo import Summary
from lake.query.metadata import TableState, columns_of
from lake.terminal.screens import show_description, show_etl, show_summary


def test_the_names_of_the_steps_keep_their_capitals() -> None:
    written = io.StringIO()
    summary = Summary(
        run_id="20261127T122310Z",
        status="complete",
        source="http://127.0.0.1:1",
        subjects=1,
        pages=1,
        records_raw=1,
        rows_processed=1,
        records_quarantined=0,
        endpoint="http://127.0.0.1:4566",
        bucket="bucket",
        database="openlake_local",
        stages={"Start the local AWS": 1.1, "Crawl": 6.0},
        seconds=7.1,
    )

    show_summary(Console(file=written, width=200), summary)

    assert "7.1 s: start the local AWS 1.1 s, crawl 6.0 s" in written.getvalue()


@pytest.mark.parametrize(
    ("cloud", "command"),
    [
        (Cloud(env="dev"), "./lake etl --unpin --env dev"),
        (Cloud(endpoint="http://127.0.0.1:1"), "./lake etl --unpin"),
    ],
)
def test_a_pin_is_ended_where_it_is(cloud: Cloud, command: str) -> None:
    written = io.StringIO()

    show_etl(Console(file=written, width=200), EtlResult("pinned", "B1"), cloud)

    assert f"until '{command}'." in written.getvalue()


def test_a_description_counts_rows_of_the_table_and_not_its_columns() -> None:
    written = io.StringIO()
    state = TableState("works", "curated", "Works", rows=5883)

    show_description(Console(file=written, width=200), state, columns_of("works"))

    assert written.getvalue().count("rows") == 1
    assert "5,883 rows" in written.getvalue()
