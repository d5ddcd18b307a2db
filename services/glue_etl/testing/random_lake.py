"""Lakes of chance: small, and full of what is rare, so that two engines can be compared on them."""

from __future__ import annotations

import random
from typing import Final

from glue_etl.testing.lake import Row

#: Keys whose order, kind or encoding is easily got wrong.
SUBJECTS: Final = (
    "love",
    "war",
    "person:jane_austen",
    "place:frança",
    "time:19th_century",
    "日本_文学",
    "science_fiction",
    "Z",
    "a-z",
    "😀",
)
_NAMES: Final = ("Jane Austen", "Ōe Kenzaburō", "jane austen", "Ñ", "A.")


def random_run(seed: int, works: int = 40) -> dict[str, list[Row]]:
    """Return the listings of a run: works overlap between subjects and between seeds."""
    chance = random.Random(seed)  # noqa: S311  # for tests
    crawled = chance.sample(SUBJECTS, 4)
    return {
        subject: [_work(chance, works) for _ in range(chance.randint(1, works))]
        for subject in crawled
    }


def random_dump(seed: int, works: int = 40) -> tuple[list[Row], list[str]]:
    """Return a dump's works, of which some are missing, and works whose lines cannot be read."""
    chance = random.Random(seed)  # noqa: S311  # for tests
    numbers = chance.sample(range(1, works + 1), works * 3 // 4)
    unreadable = [f"/works/OL{number}W" for number in numbers[:3]]
    return [_dumped(chance, number) for number in numbers[3:]], unreadable


def random_years(seed: int, subjects: list[str]) -> dict[str, dict[int, int]]:
    """Return the source's works by year of some of the subjects."""
    chance = random.Random(seed)  # noqa: S311  # for tests
    return {
        subject: {chance.randint(1800, 2020): chance.randint(1, 99) for _ in range(5)}
        for subject in subjects
        if chance.random() < 0.7
    }


def _dumped(chance: random.Random, number: int) -> Row:
    # A dump names authors by key, or by name where it has none.
    authors = {one["key"] or one["name"]: one for one in map(_author, [chance] * 3)}
    return {
        "work_key": f"/works/OL{number}W",
        "title": chance.choice([None, f"Dumped {number}"]),
        "first_publish_year": chance.choice([None, None, chance.randint(1800, 2025)]),
        "authors": [one | ({"name": None} if one["key"] else {}) for one in authors.values()],
        "subjects": [_subject(chance) for _ in range(chance.randint(0, 6))],
        "cover_id": chance.choice([None, chance.randint(1, 10**10)]),
        "record_hash": f"{chance.getrandbits(128):032x}",
    }


def _work(chance: random.Random, works: int) -> Row:
    number = chance.randint(1, works)
    year = chance.choice([None, chance.randint(1800, 2025)])
    return {
        "work_key": f"/works/OL{number}W",
        "title": chance.choice([None, f"Title {number}", "題"]),
        "edition_count": chance.randint(0, 9),
        "first_publish_year": year,
        "authors": [_author(chance) for _ in range(chance.randint(0, 3))],
        "subjects": [_subject(chance) for _ in range(chance.randint(0, 6))],
        "cover_id": chance.choice([None, chance.randint(1, 10**10)]),
        "cover_edition_key": f"OL{number}M" if number % 3 else None,
        "access_level": chance.choice(["open", "borrowable", "none"]),
        "record_hash": f"{chance.getrandbits(128):032x}",
    }


def _author(chance: random.Random) -> Row:
    number = chance.randint(1, 9)
    key = chance.choice([None, f"/authors/OL{number}A", f"/authors/OL{number}A"])
    name = chance.choice(_NAMES) if key is None else chance.choice([None, *_NAMES])
    return {"key": key, "name": name}


def _subject(chance: random.Random) -> Row:
    key = chance.choice([*SUBJECTS, None])
    name = chance.choice([key or "###", (key or "#").upper(), (key or "!").title()])
    return {"key": key, "name": name, "kind": "subject"}
