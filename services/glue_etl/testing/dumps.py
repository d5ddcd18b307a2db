"""Works dumps of any size, with the oddities of real ones."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: Lines that are not works, each in its own way.
BAD_LINES: Final = (
    b"",
    b"/type/work\t/works/OL1W\t1\t2020-01-01",
    b"/type/redirect\t/works/OL1W\t1\t2020-01-01\t{}",
    b'/type/work\t/works/OL1W\t1\t2020-01-01\t{"title": "cut',
    b'/type/work\t/works/OL1W\t1\t2020-01-01\t{"key": "/works/OL2W", "title": "other"}',
    b'/type/work\t/works/OL1W\t1\t2020-01-01\t{"key": "/works/OL1W"}',
    b'/type/work\t/works/OL1W\t1\t2020-01-01\t{"key": "/works/OL1W", "title": 7}',
    b'/type/work\t/works/OL1W\t1\t2020-01-01\t{"key": "/works/OL1W", "title": "\\ud800"}',
    b'/type/work\t/works/OL1W\t1\t2020-01-01\t{"key": "/works/OL1W", "title": "\xff"}',
    b"/type/work\t/works/OL1W\t1\t2020-01-01\t[]",
)


def dump_lines(works: int, seed: int = 1, bad_share: float = 0.0) -> Iterator[bytes]:
    """Return lines without their ends; ``bad_share`` of them are bad."""
    chance = random.Random(seed)  # noqa: S311  # for tests and benchmarks
    for number in range(1, works + 1):
        if chance.random() < bad_share:
            yield BAD_LINES[number % len(BAD_LINES)]
        else:
            yield _line(_work(chance, number))


def write_dump(path: Path, lines: Iterator[bytes]) -> None:
    """Write lines as a dump; compressed when the name ends in ``.gz``."""
    opened: Any = gzip.open(path, "wb", 6) if path.suffix == ".gz" else path.open("wb")
    with opened as file:
        file.writelines(line + b"\n" for line in lines)


def _line(work: dict[str, Any]) -> bytes:
    revision = str(work["revision"])
    columns = ("/type/work", work["key"], revision, "2020-05-01T00:00:00", json.dumps(work))
    return "\t".join(columns).encode()


def _work(chance: random.Random, number: int) -> dict[str, Any]:
    role: Any = chance.choice(["/type/author_role", {"key": "/type/author_role"}])
    author = {"key": f"/authors/OL{chance.randint(1, number)}A"}
    work: dict[str, Any] = {
        "key": f"/works/OL{number}W",
        "title": chance.choice(["Emma", "  Love\u0301  and\twar ", "題", ""]) + f" {number}",
        "revision": chance.randint(1, 9),
        "type": {"key": "/type/work"},
        "authors": chance.choice([[{"type": role, "author": author}], [{"type": role}], []]),
    }
    if chance.random() < 0.3:
        work["covers"] = chance.choice([[-1], [chance.randint(1, 10**7)], [None, 7]])
    if chance.random() < 0.4:
        # Few subjects are frequent and many are rare, as in the source.
        ranks = [int(chance.paretovariate(0.8)) % 50_000 for _ in range(chance.randint(1, 9))]
        work["subjects"] = [f"Subject {rank}" for rank in ranks]
        work["subject_places"] = chance.choice([[], ["France"], [" "]])
        work["subject_people"] = chance.choice([[], ["Jane Austen"]])
    if chance.random() < 0.3:
        work["first_publish_date"] = chance.choice(["1994", "March 3, 1815", "n.d.", "c20199"])
    return work
