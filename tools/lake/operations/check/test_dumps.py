"""What the check finds of the run of a dump."""

from __future__ import annotations

import pytest

from lake.testing.sound_lake import (
    DUMP,
    RUN,
    SoundLake,
    lines,
)
from schemas import keys


def test_a_sound_dump_has_no_difference(lake: SoundLake) -> None:
    lake.add_dump(rows=[0, 2, 3], rejected=[1], records=4)

    result = lake.check()

    assert result.differences == []
    assert result.runs == [DUMP, RUN]
    assert result.counts.records == 9


def test_a_damaged_dump_is_found(lake: SoundLake) -> None:
    lake.add_dump(rows=[0, 2, 3], rejected=[1], records=4)
    rows = f"{keys.dump_rows_prefix(DUMP)}part-0.parquet"
    rejected = f"{keys.dump_quarantine_prefix('quarantine_data/works/', DUMP)}part-0.txt.gz"
    lake.put(rows, lake.get(rows)[:-20])
    lake.put(rejected, lines([None]))

    found = lake.check()

    assert found.by_code["object.unreadable"] == 2
    assert found.by_code["dump.lines_lost"] == 1

    lake.put(keys.processed_ledger_key(DUMP), "{}")
    assert lake.check().by_code == {"ledger.unreadable": 1}

    lake.delete(keys.processed_ledger_key(DUMP))
    assert lake.check().by_code == {"ledger.missing": 1}


@pytest.mark.parametrize(
    ("rows", "rejected", "code"),
    [
        ([0, 2], [1], "dump.lines_lost"),
        ([0, 2, 3], [1, 3], "dump.lines_doubled"),
        ([0, 2, 3, 9], [1], "dump.lines_foreign"),
    ],
)
def test_each_damage_of_a_dump_is_found(
    lake: SoundLake, rows: list[int], rejected: list[int], code: str
) -> None:
    lake.add_dump(rows, rejected, records=4)

    assert lake.check().by_code == {code: 1}
