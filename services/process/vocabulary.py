"""Subjects by number: each spelling is cleaned once, however many works and pages have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import pyarrow as pa

from process import rules
from schemas.keys import SubjectKind

#: Spellings after which a vocabulary is given up (about 20 MB); a page of 1000 works has some 5000,
#: and the next page of the same subject most of them again.
CAPACITY: Final = 40_000
_USUAL_LENGTH: Final = 50

_BLANK: Final = 0
_SUBJECT: Final = pa.struct([(name, pa.string()) for name in ("key", "name", "kind")])


@dataclass(frozen=True, slots=True)
class SubjectColumns:
    """The subjects of a page's works, as numbers into the distinct ones."""

    rows: list[list[int]]
    distinct_names: list[str]
    distinct: pa.StructArray

    @property
    def names(self) -> list[list[str]]:
        """The names, work by work."""
        names = self.distinct_names
        return [[names[number] for number in row] for row in self.rows]

    def array(self, list_type: pa.ListType) -> pa.Array:
        """Build the column without a Python object per subject and work."""
        numbers = pa.array([number for row in self.rows for number in row], pa.int32())
        offsets = pa.array([0, *accumulate(map(len, self.rows))], pa.int32())
        return pa.ListArray.from_arrays(offsets, self.distinct.take(numbers), type=list_type)


class Vocabulary(dict[str, int]):
    """Numbers spellings as they come; 0 is a blank one.

    The numbers depend on the pages seen before, and what a page becomes does not depend on them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self._names = [""]
        self._leaders = [_BLANK]
        self._by_name: dict[str, int] = {}
        self._by_folded: dict[str, int] = {}
        self._new: list[tuple[str | None, str, SubjectKind]] = [(None, "", "subject")]
        self._distinct = pa.array([], _SUBJECT)

    @property
    def full(self) -> bool:
        """Whether it has grown beyond its capacity, in spellings or in characters."""
        return len(self) > CAPACITY or self._size > CAPACITY * _USUAL_LENGTH

    def columns(self, works: Sequence[Sequence[str] | None]) -> SubjectColumns:
        """Give each work's subjects once, case aside: the first spelling, in the source's order."""
        rows = [self._unique(spellings or ()) for spellings in works]
        if self._new:
            parts = [pa.array(part, pa.string()) for part in zip(*self._new, strict=True)]
            new = pa.StructArray.from_arrays(parts, fields=list(_SUBJECT))
            self._distinct = pa.concat_arrays([self._distinct, new])
            self._new = []
        return SubjectColumns(rows, self._names, self._distinct)

    def __missing__(self, spelling: str) -> int:
        name = rules.clean_text(spelling)
        number = _BLANK if name is None else self._number_of(name)
        self[spelling] = number
        self._size += len(spelling)
        return number

    def _unique(self, spellings: Sequence[str]) -> list[int]:
        numbers = list(map(self.__getitem__, spellings))
        leaders = list(map(self._leaders.__getitem__, numbers))
        distinct = set(leaders)
        if len(distinct) == len(numbers) and _BLANK not in distinct:
            return numbers
        first: dict[int, int] = {}
        for leader, number in zip(leaders, numbers, strict=True):
            first.setdefault(leader, number)
        first.pop(_BLANK, None)
        return list(first.values())

    def _number_of(self, name: str) -> int:
        number = self._by_name.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
            self._leaders.append(self._by_folded.setdefault(name.casefold(), number))
            self._new.append(rules.subject_of(name))
        return number


class SharedVocabulary:
    """The vocabulary that a container keeps between pages."""

    def __init__(self) -> None:
        self._current = Vocabulary()

    def columns(self, works: Sequence[Sequence[str] | None]) -> SubjectColumns:
        """See :meth:`Vocabulary.columns`; a full vocabulary is replaced before the next page."""
        if self._current.full:
            self._current = Vocabulary()
        return self._current.columns(works)
