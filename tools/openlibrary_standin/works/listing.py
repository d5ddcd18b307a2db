"""One subject's list of works: its orders and its works by rank, computed when asked for."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from openlibrary_standin.works.draws import Draws
from openlibrary_standin.works.known_works import KnownWork
from openlibrary_standin.works.ordering import (
    grown_edition_count,
    index_by_key,
    replica_rank,
    tie_group,
)
from openlibrary_standin.works.records import Record, work_record
from openlibrary_standin.works.subjects import Lane
from openlibrary_standin.works.tail import lane_of, tail_facts, tail_work


class Order(Enum):
    """Order of an answer. The replicas' orders differ where edition counts are equal."""

    EDITIONS_KEY = "editions descending, then key"
    KEY = "key"
    FIRST_REPLICA = "editions descending, ties as the first replica has them"
    SECOND_REPLICA = "editions descending, ties as the second replica has them"


@dataclass(frozen=True, slots=True)
class Settings:
    """What all works of a catalogue depend on; see `catalogue.Catalogue`."""

    seed: int
    revision: int
    legacy_fields: bool
    bad_record_share: float


@dataclass(frozen=True)
class Listing:
    """Works of a subject by *rank*: their position by editions descending, then key.

    Attributes
    ----------
    known
        The known works, which have more editions than any work of the tail.
    tail_size
        Number of generated works after them.
    member_sizes
        Tail size and heading of each subject which may share works with this one.
    """

    key: str
    known: tuple[KnownWork, ...]
    tail_size: int
    lanes: tuple[Lane, Lane]
    member_sizes: dict[str, tuple[int, str]]
    settings: Settings

    def __len__(self) -> int:
        return len(self.known) + self.tail_size

    def rank_at(self, position: int, order: Order) -> int:
        """Rank of the work which stands at `position` in an `order`."""
        if order is Order.EDITIONS_KEY:
            return position
        if order is Order.KEY:
            return self._rank_by_key(position)
        replica = 1 if order is Order.SECOND_REPLICA else 0
        return replica_rank(position, self._ties(position), replica)

    def facts(self, rank: int) -> tuple[int | None, bool]:
        """Year of first publication and ``has_fulltext`` of a work: all that filters ask for."""
        if rank < len(self.known):
            work = self.known[rank]
            return work.year, _known_has_fulltext(work)
        index = rank - len(self.known)
        return tail_facts(self.settings.seed, lane_of(index, self.lanes), index)

    def work(self, rank: int) -> Record:
        """Return the work at a rank."""
        if rank < len(self.known):
            return _known_record(self.known[rank], self.settings)
        index = rank - len(self.known)
        lane = lane_of(index, self.lanes)
        members = (self.member_sizes[member] for member in lane.members)
        return tail_work(
            self.settings.seed,
            lane,
            index,
            subject_names=[name for size, name in members if index < size],
            revision=self.settings.revision,
            legacy_fields=self.settings.legacy_fields,
            bad_record_share=self.settings.bad_record_share,
        )

    @cached_property
    def _known_ranks_by_key(self) -> list[int]:
        return sorted(range(len(self.known)), key=lambda rank: self.known[rank].number)

    def _rank_by_key(self, position: int) -> int:
        # The numbers of the known works are all below those of the tail.
        if position < len(self.known):
            return self._known_ranks_by_key[position]
        return len(self.known) + index_by_key(position - len(self.known), self.tail_size)

    def _ties(self, rank: int) -> tuple[int, int]:
        if rank >= len(self.known):
            start, end = tie_group(rank - len(self.known), self.tail_size)
            return start + len(self.known), end + len(self.known)
        editions = self.known[rank].editions
        ranks = [i for i, work in enumerate(self.known) if work.editions == editions]
        return ranks[0], ranks[-1] + 1


def _known_has_fulltext(work: KnownWork) -> bool:
    return not Draws("has_fulltext", work.number).chance(50)


def _known_record(work: KnownWork, settings: Settings) -> Record:
    people = [f"{person} (Fictitious character)" for person in work.people[:1]]
    return work_record(
        Draws(settings.seed, "known", work.number),
        number=work.number,
        title=work.title,
        editions=grown_edition_count(work.editions, settings.revision),
        subjects=[*work.subjects, "Classic Literature", *people, *work.places, *work.times],
        authors=list(work.authors),
        year=work.year,
        has_fulltext=_known_has_fulltext(work),
        legacy_fields=settings.legacy_fields,
    )
