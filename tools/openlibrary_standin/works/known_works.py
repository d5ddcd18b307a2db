"""Facts about real, well-known works, read from the table beside this module.

The edition counts are rounded, plausible numbers, and the keys are generated ones: they are not
those of OpenLibrary.
"""

from csv import DictReader
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from openlibrary_standin.works.keys import subject_key

_FIRST_WORK_NUMBER = 10_000_000
_FIRST_AUTHOR_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class KnownWork:
    """A row of ``known_works.tsv``.

    Attributes
    ----------
    number
        Number of the work's key, ``/works/OL{number}W``.
    year
        Year of first publication; None when unknown, 0 where a catalogue once had no better.
    """

    number: int
    title: str
    authors: tuple[tuple[int, str], ...]
    year: int | None
    editions: int
    subjects: tuple[str, ...]
    places: tuple[str, ...]
    people: tuple[str, ...]
    times: tuple[str, ...]

    def subject_keys(self) -> list[str]:
        """Keys of all the subjects of the four kinds which list the work."""
        kinds = {
            "subject": self.subjects,
            "place": self.places,
            "person": self.people,
            "time": self.times,
        }
        return [subject_key(kind, name) for kind, names in kinds.items() for name in names]


@cache
def known_works() -> tuple[KnownWork, ...]:
    """All known works, most editions first, ties by key."""
    table = (
        files("openlibrary_standin.works").joinpath("known_works.tsv").read_text(encoding="utf-8")
    )
    rows = list(DictReader(table.splitlines(), delimiter="\t"))
    names = dict.fromkeys(name for row in rows for name in _listed(row["authors"]))
    author_numbers = {name: _FIRST_AUTHOR_NUMBER + i for i, name in enumerate(names)}
    works = [_known_work(position, row, author_numbers) for position, row in enumerate(rows)]
    return tuple(sorted(works, key=lambda work: (-work.editions, work.number)))


@cache
def known_works_by_subject() -> dict[str, tuple[KnownWork, ...]]:
    """Known works of each subject, most editions first, ties by key."""
    grouped: dict[str, list[KnownWork]] = {}
    for work in known_works():
        for key in dict.fromkeys(work.subject_keys()):
            grouped.setdefault(key, []).append(work)
    return {key: tuple(works) for key, works in grouped.items()}


@cache
def known_subject_names() -> dict[str, str]:
    """Display name of each subject of a known work, by subject key."""
    return {
        subject_key(kind, name): name
        for work in known_works()
        for kind, names in (
            ("subject", work.subjects),
            ("place", work.places),
            ("person", work.people),
            ("time", work.times),
        )
        for name in names
    }


def _known_work(position: int, row: dict[str, str], author_numbers: dict[str, int]) -> KnownWork:
    return KnownWork(
        # A stride coprime to the range scatters the keys, as real keys do not follow the title.
        number=_FIRST_WORK_NUMBER + (position + 1) * 7919 % 1_000_000,
        title=row["title"],
        authors=tuple((author_numbers[name], name) for name in _listed(row["authors"])),
        year=int(row["year"]) if row["year"] else None,
        editions=int(row["editions"]),
        subjects=_listed(row["subjects"]),
        places=_listed(row["places"]),
        people=_listed(row["people"]),
        times=_listed(row["times"]),
    )


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split(";") if part)
