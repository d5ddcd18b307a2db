"""Works of the generated long tail: each a pure function of the seed, its lane and its index."""

from openlibrary_standin.works import vocabulary
from openlibrary_standin.works.bad_records import spoil
from openlibrary_standin.works.draws import Draws, happens
from openlibrary_standin.works.ordering import grown_edition_count, key_slot, tail_edition_count
from openlibrary_standin.works.records import Record, work_record
from openlibrary_standin.works.subjects import LANES, Lane

_FIRST_TAIL_NUMBER = 11_000_000
_FIRST_AUTHOR_NUMBER = 2_000_000
#: One work in so many belongs to the lane which a subject shares with others.
SHARED_EVERY = 8


def lane_of(index: int, lanes: tuple[Lane, Lane]) -> Lane:
    """Lane of tail work `index` of the subject which has these `lanes`."""
    own, shared = lanes
    return shared if index % SHARED_EVERY == 3 else own


def tail_number(lane: Lane, index: int) -> int:
    """Return the number in the key of a tail work; eight digits, so that keys sort as numbers."""
    return _FIRST_TAIL_NUMBER + key_slot(index) * LANES + lane.number


def tail_facts(seed: int, lane: Lane, index: int) -> tuple[int | None, bool]:
    """Year of first publication and ``has_fulltext``: cheap, as a filter asks for all works."""
    mixed = (index * 2_654_435_761 + lane.number * 40_503 + seed * 97_531) & 0xFFFFFFFF
    mixed = ((mixed ^ mixed >> 15) * 2_246_822_519) & 0xFFFFFFFF
    mixed ^= mixed >> 13
    return _year(mixed >> 4 & 0xFFFF), mixed % 5 != 0


def tail_work(
    seed: int,
    lane: Lane,
    index: int,
    *,
    subject_names: list[str],
    revision: int,
    legacy_fields: bool,
    bad_record_share: float,
) -> Record:
    """Generate a work of the tail.

    Parameters
    ----------
    subject_names
        Headings under which the work must stand.
    revision
        Revision of the catalogue: edition counts grow with it.
    legacy_fields
        See `records.work_record`.
    bad_record_share
        Share of records, from 0 to 1, which break the contract.
    """
    draws = Draws(seed, lane.number, index)
    year, has_fulltext = tail_facts(seed, lane, index)
    record = work_record(
        draws,
        number=tail_number(lane, index),
        title=vocabulary.title(draws.below(12 * 30 * 34 * 64)),
        editions=grown_edition_count(tail_edition_count(index), revision),
        subjects=_headings(draws, subject_names),
        authors=_authors(draws),
        year=year,
        has_fulltext=has_fulltext,
        legacy_fields=legacy_fields,
    )
    if happens(bad_record_share, seed, "bad record", lane.number, index):
        return spoil(record, Draws(seed, "defect", lane.number, index))
    return record


def _year(drawn: int) -> int | None:
    if drawn < 330:
        return None
    if drawn < 400:
        return 0
    # Squared, so that most works are recent and a few are centuries old.
    return 2024 - (drawn * drawn >> 16) * 420 // 0xFFFF


def _headings(draws: Draws, subject_names: list[str]) -> list[str]:
    count = draws.below(13) if draws.chance(850) else 13 + draws.below(46)
    headings = vocabulary.HEADINGS
    first, stride = draws.below(len(headings)), 1 + 2 * draws.below(30)
    drawn = [headings[(first + stride * step) % len(headings)] for step in range(count)]
    if draws.chance(600):
        drawn.append(draws.pick(vocabulary.SHELF_MARKS))
    place = draws.below(len(drawn) + 1)
    return list(dict.fromkeys([*drawn[:place], *subject_names, *drawn[place:]]))


def _authors(draws: Draws) -> list[tuple[int, str]]:
    drawn = draws.below(100)
    count = 0 if drawn < 2 else 1 if drawn < 88 else 2 if drawn < 97 else 3 + draws.below(8)
    span = vocabulary.AUTHOR_COUNT
    # Squared, so that a few authors wrote much.
    first = draws.below(span) ** 2 // span
    numbers = [(first + step * 37) % span for step in range(count)]
    return [(_FIRST_AUTHOR_NUMBER + number, vocabulary.author_name(number)) for number in numbers]
