"""What becomes of the captured page of 1000 works, counted by rule, as the docs tell it."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from process.logic.stage import process_page
from process.testing.fakes import LIMITS, Lake
from process.testing.pages import RUN
from schemas.keys import RawKey

DOCUMENT = Path(__file__).parents[3] / "docs" / "cleaning-rules.md"
PAGE = RawKey.of(RUN, "love", 0)
TEXTS = ("title", "ia", "cover_edition_key", "lending_edition", "lending_identifier")


def documented() -> dict[str, int]:
    section = DOCUMENT.read_text("utf-8").partition("## The captured page")[2]
    rows = re.findall(r"^\| ([^|`]+?) \| (\d+) \|", section, re.MULTILINE)
    return {what: int(count) for what, count in rows}


def effects(work: dict[str, Any], row: dict[str, Any]) -> Iterator[str]:
    yield "rows"
    yield f"access level {row['access_level']}"
    for name in TEXTS:
        if work[name] != row[name]:
            change = "empty to null" if row[name] is None else "text cleaned"
            yield f"{name}: {change}"
    if work["ia_collection"] != row["ia_collections"]:
        yield "ia_collection: list of one empty text to empty list"
        assert (work["ia_collection"], row["ia_collections"]) == ([""], [])
    for name in ("first_publish_year", "cover_id"):
        if work[name] != row[name]:
            assert row[name] is None
            yield f"{name}: not a real one, to null"
    names = [author["name"] for author in work["authors"]]
    kept = [author["name"] for author in row["authors"]]
    if len(names) != len(kept):
        yield "authors: repeats dropped"
    elif names != kept:
        yield "authors: a name cleaned"
    if len(work["subject"]) != len(row["subjects"]):
        yield "subjects: works with repeats"
    yield from ["subjects: repeats dropped"] * (len(work["subject"]) - len(row["subjects"]))


def test_the_docs_count_what_each_rule_did(lake: Lake, samples: Path) -> None:
    """GIVEN the captured page WHEN processed THEN the documented counts are those of its rows."""
    body = (samples / "subjects_love_limit1000_2023-01.json").read_bytes()
    result = process_page(lake.outputs, lake.put_raw(gzip.compress(body, mtime=0)), LIMITS)
    rows = lake.tables.written[PAGE.processed_key("works")].to_pylist()

    counts = Counter({"records": result.records, "quarantined": result.quarantined})
    for work, row in zip(json.loads(body)["works"], rows, strict=True):
        assert work["key"] == row["work_key"]
        counts.update(effects(work, row))

    assert dict(counts) == documented()
