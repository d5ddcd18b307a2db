"""What the check finds of a day whose rows were compacted."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from lake.testing.lakes import BUCKET
from lake.testing.sound_lake import (
    DAY,
    FIRST,
    RUN,
    SECOND,
    SoundLake,
    parquet,
)
from schemas import keys
from schemas.tables import TABLES

Damage = Callable[[SoundLake], None]


def test_a_compacted_day_has_no_difference(lake: SoundLake) -> None:
    lake.compact()

    result = lake.check()

    assert result.differences == []
    assert (result.counts.rows, result.counts.quarantined) == (4, 1)
    assert not [remark for remark in result.remarks if "compact" in remark]


def test_a_day_that_is_on_record_and_not_switched_yet_has_no_difference(lake: SoundLake) -> None:
    lake.compact(switched=False)

    assert lake.check().differences == []


def test_a_page_that_was_replayed_after_its_day_was_compacted_is_told(lake: SoundLake) -> None:
    lake.compact()
    lake.put(FIRST.processed_key("works"), parquet(position=[2, 0]))

    result = lake.check()

    assert result.differences == []
    assert any("1 files of run" in remark for remark in result.remarks)


COMPACTED_WORKS = f"{keys.compacted_prefix('works', DAY, '17')}part-00000.parquet"
COMPACTED_DAMAGES: dict[str, Damage] = {
    "compacted.missing_file": lambda lake: lake.delete(COMPACTED_WORKS),
    "object.unreadable": lambda lake: lake.put(COMPACTED_WORKS, b"PAR1"),
    "ledger.unreadable": lambda lake: lake.put(keys.compacted_day_key(DAY), "{}"),
    "compacted.other_count": lambda lake: lake.put(
        COMPACTED_WORKS,
        parquet(run_id=[RUN] * 2, raw_key=[FIRST.key, SECOND.key], position=[0, 0]),
    ),
    "page.records_doubled": lambda lake: lake.put(
        COMPACTED_WORKS,
        parquet(run_id=[RUN] * 4, raw_key=[FIRST.key, SECOND.key] * 2, position=[0, 0, 0, 1]),
    ),
    "catalogue.other_location": lambda lake: lake.switch(
        "works", f"s3://{BUCKET}/{keys.day_prefix(TABLES['works'].location, DAY)}"
    ),
    "object.stray": lambda lake: lake.change(FIRST.receipt_key, processed_key=None),
}


@pytest.mark.parametrize("damage", ["missing", "no gzip", "of another file"])
def test_a_list_of_compacted_pages_that_is_lost_is_found(lake: SoundLake, damage: str) -> None:
    lake.compact()
    key = keys.compacted_pages_key(DAY, "17")
    code, body = {
        "missing": ("compacted.missing_file", b""),
        "no gzip": ("object.unreadable", b"{}"),
        "of another file": ("object.unreadable", gzip.compress(b"[]")),
    }[damage]
    if body:
        lake.put(key, body)
    else:
        lake.delete(key)

    found = lake.check().differences

    assert [one.object for one in found if one.code == code] == [f"s3://{BUCKET}/{key}"]


@pytest.mark.parametrize("code", COMPACTED_DAMAGES)
def test_damage_to_a_compacted_day_is_found(lake: SoundLake, code: str) -> None:
    lake.compact()
    COMPACTED_DAMAGES[code](lake)

    result = lake.check()

    assert not result.ok
    assert code in result.by_code
