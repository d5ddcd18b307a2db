"""The subjects with a generated long tail, and how many works each of them has."""

from collections.abc import Mapping
from dataclasses import dataclass

from openlibrary_standin.works.keys import normalise_subject

#: Share of the configured works, in percent; together 100.
HEADLINE_SHARES: Mapping[str, int] = {
    "love": 18,
    "history": 16,
    "science_fiction": 14,
    "fantasy": 8,
    "philosophy": 7,
    "adventure": 6,
    "war": 5,
    "detective_and_mystery_stories": 5,
    "place:london": 5,
    "place:paris": 3,
    "place:russia": 3,
    "time:19th_century": 5,
    "time:20th_century": 2,
    "person:napoleon": 1,
    "person:sherlock_holmes": 1,
    "person:king_arthur": 1,
}

#: Subjects which have a part of their tails in common.
SHARED_TAILS: tuple[tuple[str, ...], ...] = (
    ("love", "place:paris", "time:19th_century"),
    ("science_fiction", "fantasy", "adventure"),
    ("history", "war", "time:20th_century", "person:napoleon"),
    ("detective_and_mystery_stories", "place:london", "person:sherlock_holmes"),
    ("philosophy", "place:russia"),
)

LANES = 64
MAX_WORKS_PER_SUBJECT = 1_380_000
_FIRST_EXTRA_LANE = len(HEADLINE_SHARES) + len(SHARED_TAILS)


@dataclass(frozen=True, slots=True)
class Lane:
    """A numbered stream of tail works.

    Attributes
    ----------
    number
        Residue of the numbers in the keys of the lane's works.
    members
        Keys of the subjects which list the works of the lane.
    """

    number: int
    members: tuple[str, ...]


def subject_sizes(works: int, revision: int, overrides: Mapping[str, int]) -> dict[str, int]:
    """Return the number of works of each subject with a tail.

    Parameters
    ----------
    works
        Total over the headline subjects at revision 0.
    revision
        Each revision adds about 1 % to each subject that is not empty.
    overrides
        Number of works at revision 0 by subject key, in place of the subject's share of `works`.

    Raises
    ------
    ValueError
        When there are too many subjects or too many works for distinct keys of one length.
    """
    sizes = _shares(works)
    sizes.update({normalise_subject(key): size for key, size in overrides.items()})
    grown = {key: size + revision * -(-size // 100) for key, size in sizes.items()}
    if len(grown) - len(HEADLINE_SHARES) > LANES - _FIRST_EXTRA_LANE:
        raise ValueError(f"at most {LANES - _FIRST_EXTRA_LANE} subjects can be added")
    if any(not 0 <= size <= MAX_WORKS_PER_SUBJECT for size in grown.values()):
        raise ValueError(f"a subject has from 0 to {MAX_WORKS_PER_SUBJECT} works")
    return grown


def subject_lanes(keys: list[str]) -> dict[str, tuple[Lane, Lane]]:
    """Return each subject's own lane and the lane that it shares (its own when it shares none)."""
    headlines = list(HEADLINE_SHARES)
    extras = sorted(set(keys) - set(headlines))
    own = {key: Lane(number, (key,)) for number, key in enumerate(headlines)}
    own |= {key: Lane(_FIRST_EXTRA_LANE + i, (key,)) for i, key in enumerate(extras)}
    shared = {
        key: Lane(len(headlines) + number, members)
        for number, members in enumerate(SHARED_TAILS)
        for key in members
    }
    return {key: (lane, shared.get(key, lane)) for key, lane in own.items()}


def _shares(works: int) -> dict[str, int]:
    sizes = {key: works * percent // 100 for key, percent in HEADLINE_SHARES.items()}
    largest = next(iter(sizes))
    sizes[largest] += works - sum(sizes.values())
    return sizes
