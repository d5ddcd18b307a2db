"""What the check finds of builds and of their ledgers."""

from __future__ import annotations

from lake.testing.lakes import BUCKET, DATABASE
from lake.testing.sound_lake import (
    RUN,
    SoundLake,
)
from schemas import keys


def test_a_lost_record_of_the_published_build_is_found(lake: SoundLake) -> None:
    lake.delete(keys.CURRENT_BUILD_KEY)

    assert lake.check().by_code == {"build.no_current": 1}

    lake.delete(keys.curated_ledger_key(RUN))
    assert lake.check().by_code == {"build.no_current": 1}


def test_a_first_publication_that_goes_on_is_no_difference(lake: SoundLake) -> None:
    for key in (keys.CURRENT_BUILD_KEY, keys.curated_ledger_key(RUN)):
        lake.delete(key)
    lake.cloud.client("glue").delete_table(DatabaseName=DATABASE, Name="works")

    result = lake.check()

    assert result.ok
    assert "builds are written and none is published yet" in result.remarks


def test_a_lost_curated_ledger_is_found(lake: SoundLake) -> None:
    lake.delete(keys.curated_ledger_key(RUN))

    found = lake.check().differences

    assert [(one.code, one.object) for one in found] == [
        ("ledger.missing", f"s3://{BUCKET}/{keys.curated_ledger_key(RUN)}")
    ]
