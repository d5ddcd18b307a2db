"""What is done for an archive of classes: it is real work, or it would load too few."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_tables_are_read_joined_ranked_and_written(spark: Any, tmp_path: Path) -> None:
    from glue_etl.adapters.class_archive import load_classes

    assert load_classes(spark, f"file://{tmp_path}") == 2 * 7 * 4
