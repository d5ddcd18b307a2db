"""Closed forms for the orders of a generated tail, so that no tail is ever sorted.

Tail work ``i`` has an edition count which never rises with ``i``, and works with equal counts
form a *tie group*. The number in a work's key rises with ``i`` within a group, so ``i`` is the
position in the order "editions descending, then key". The groups themselves are laid out in
reverse by key, so that the order by key is a different one.
"""

from bisect import bisect_right
from itertools import groupby

_MOST_EDITIONS = 59.99


def _edition_count(index: int) -> int:
    # The decay is the one of the works of a large real subject: rank ** -0.88.
    return max(1, int(_MOST_EDITIONS * (1 + index / 40) ** -0.88))


def _edition_counts() -> tuple[int, ...]:
    counts: list[int] = []
    while not counts or counts[-1] > 1:
        counts.append(_edition_count(len(counts)))
    return tuple(counts[:-1])


_COUNTS = _edition_counts()
_GROUP_STARTS = tuple(
    next(iter(group))[0] for _, group in groupby(enumerate(_COUNTS), key=lambda pair: pair[1])
)
_SINGLES_START = len(_COUNTS)


def tail_edition_count(index: int) -> int:
    """Edition count of tail work `index` at revision 0: from 59 down to 1."""
    return _COUNTS[index] if index < _SINGLES_START else 1


def grown_edition_count(count: int, revision: int) -> int:
    """Edition count at a `revision`: larger counts grow faster, so the order stays as it is."""
    return count + revision * (count // 25)


def tie_group(index: int, size: int) -> tuple[int, int]:
    """Bounds of the tie group of tail work `index` in a tail of `size` works, end exclusive."""
    if index >= _SINGLES_START:
        return _SINGLES_START, size
    number = bisect_right(_GROUP_STARTS, index)
    end = _GROUP_STARTS[number] if number < len(_GROUP_STARTS) else _SINGLES_START
    return _GROUP_STARTS[number - 1], min(end, size)


def key_slot(index: int) -> int:
    """Position of tail work `index` by key, in a tail without end; its own inverse by group."""
    if index >= _SINGLES_START:
        return index
    start, end = tie_group(index, _SINGLES_START)
    return _SINGLES_START - end + index - start


def index_at_slot(slot: int) -> int:
    """Tail work whose `key_slot` is `slot`."""
    if slot >= _SINGLES_START:
        return slot
    start, end = tie_group(_SINGLES_START - 1 - slot, _SINGLES_START)
    return start + slot - (_SINGLES_START - end)


def index_by_key(rank: int, size: int) -> int:
    """Tail work at position `rank` by key, in a tail of `size` works."""
    if size >= _SINGLES_START:
        return index_at_slot(rank)
    start, end = tie_group(size - 1, size)
    if rank < end - start:
        return start + rank
    return index_at_slot(_SINGLES_START - start + rank - (end - start))


def replica_rank(rank: int, group: tuple[int, int], replica: int) -> int:
    """Canonical rank of the work which a search replica puts at `rank`.

    Two replicas answer the OpenLibrary API and order the works of a tie differently: here one
    rotates a tie by a third, the other reverses it.

    Parameters
    ----------
    rank
        Position in the answer.
    group
        Bounds of the ties around `rank`, end exclusive.
    replica
        0 or 1.
    """
    start, end = group
    if replica:
        return start + end - 1 - rank
    width = end - start
    return start + (rank - start + width // 3) % width
