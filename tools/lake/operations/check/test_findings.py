"""What the check found is counted, and its records are read line by line."""

from __future__ import annotations

import gzip
import json

import pytest

from lake.operations.check.findings import Findings
from lake.operations.check.storage import json_lines


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_a_rejected_record_is_one_line_whatever_breaks_lines_elsewhere(character: str) -> None:
    records = [{"position": 1, "payload": f"a{character}b"}, {"position": 2}]
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)

    assert json_lines(gzip.compress(text.encode())) == records


def test_a_fault_in_every_object_is_counted_and_the_first_are_kept() -> None:
    whole, part = Findings(kept=3), Findings(kept=3)
    for number in range(5):
        part.differ("page.other_bytes", f"s3://b/{number}", "changed", "replay")

    whole.merge(part)
    whole.merge(part)

    assert whole.total == 10
    assert whole.by_code == {"page.other_bytes": 10}
    assert [found.object for found in whole.differences] == ["s3://b/0", "s3://b/1", "s3://b/2"]
