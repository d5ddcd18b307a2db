"""Subjects of a page's works: each spelling is cleaned once, then referred to by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

import pyarrow as pa

from process import rules
from schemas.keys import SubjectKind

# About 10 MB. A page of 1000 works has some 5000 spellings, and the next page most of them again.
_KEPT: Final = 20_000
_LONGEST_KEPT: Final = 200


class Subject(NamedTuple):
    """A cleaned subject; ``folded`` is what spellings of one subject share."""

    key: str | None
    name: str
    kind: SubjectKind
    folded: str


@dataclass(frozen=True, slots=True)
class SubjectColumns:
    """The subjects of a page's works, as numbers into the distinct ones."""

    rows: list[list[int]]
    distinct: list[Subject]

    @property
    def names(self) -> list[list[str]]:
        """The names, work by work."""
        names = [subject.name for subject in self.distinct]
        return [[names[number] for number in row] for row in self.rows]

    def array(self, list_type: pa.ListType) -> pa.Array:
        """Build the column without a Python object per subject and work."""
        parts: list[Sequence[str | None]] = [
            [subject.key for subject in self.distinct],
            [subject.name for subject in self.distinct],
            [subject.kind for subject in self.distinct],
        ]
        distinct = pa.StructArray.from_arrays(
            [pa.array(part, pa.string()) for part in parts], fields=list(list_type.value_type)
        )
        numbers = pa.array([number for row in self.rows for number in row], pa.int32())
        offsets = pa.array([0, *accumulate(map(len, self.rows))], pa.int32())
        return pa.ListArray.from_arrays(offsets, distinct.take(numbers), type=list_type)


class Vocabulary(dict[str, int]):
    """Numbers a page's spellings as they come; -1 is a blank one."""

    def __init__(self) -> None:
        super().__init__()
        self._distinct: list[Subject] = []
        self._leaders: list[int] = []
        self._by_name: dict[str, int] = {}
        self._by_folded: dict[str, int] = {}

    def columns(self, works: Sequence[Sequence[str] | None]) -> SubjectColumns:
        """Give each work's subjects once, case aside: the first spelling, in the source's order."""
        return SubjectColumns([self._unique(names or ()) for names in works], self._distinct)

    def __missing__(self, spelling: str) -> int:
        subject = _subject(spelling) if len(spelling) <= _LONGEST_KEPT else _new_subject(spelling)
        number = -1 if subject is None else self._number_of(subject)
        self[spelling] = number
        return number

    def _unique(self, spellings: Sequence[str]) -> list[int]:
        numbers = [self[spelling] for spelling in spellings]
        leaders = self._leaders
        if len({leaders[number] for number in numbers if number >= 0}) == len(numbers):
            return numbers
        first: dict[int, int] = {}
        for number in numbers:
            if number >= 0:
                first.setdefault(leaders[number], number)
        return list(first.values())

    def _number_of(self, subject: Subject) -> int:
        number = self._by_name.setdefault(subject.name, len(self._distinct))
        if number == len(self._distinct):
            self._distinct.append(subject)
            self._leaders.append(self._by_folded.setdefault(subject.folded, number))
        return number


def _new_subject(spelling: str) -> Subject | None:
    name = rules.clean_text(spelling)
    return None if name is None else Subject(*rules.subject_of(name), name.casefold())


_subject = lru_cache(_KEPT)(_new_subject)
