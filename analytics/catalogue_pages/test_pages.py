"""The data catalogue is whole and fresh, and its examples are answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.catalogue_pages.generate import EXAMPLES, UNITS, main, render, stale, unit_of
from schemas.curated_tables import CURATED, CuratedTable
from schemas.tables import TABLES, Table

ALL: list[Table | CuratedTable] = [*TABLES.values(), *CURATED.values()]
COLUMNS = [column for table in ALL for column in table.columns]


def test_the_pages_are_fresh() -> None:
    assert stale() == []


def test_a_page_that_is_changed_missing_or_left_over_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "works.md").write_text("changed")
    (tmp_path / "authors.md").unlink()
    (tmp_path / "gone.md").write_text("of a table that is no more")
    capsys.readouterr()

    assert main(["--check"], tmp_path) == 1

    told = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[0] for line in told] == ["authors.md", "gone.md", "works.md"]
    main([], tmp_path)
    assert stale(tmp_path) == []


def test_every_quantity_has_a_unit_and_every_unit_is_used() -> None:
    used = {column.name for column in COLUMNS if unit_of(column)}

    assert used == set(UNITS)


def test_there_is_a_page_for_each_table() -> None:
    names = set(CURATED) | {table.catalogue_name for table in TABLES.values()}

    assert {f"{name}.md" for name in names} <= set(render())
    assert set(EXAMPLES) == names
