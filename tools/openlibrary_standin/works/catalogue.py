"""The deterministic catalogue behind the stand-in."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from openlibrary_standin.parameters import Query, Sort
from openlibrary_standin.works.caching import BoundedCache
from openlibrary_standin.works.facets import facets
from openlibrary_standin.works.keys import default_name, solr_query, split_kind
from openlibrary_standin.works.known_works import known_subject_names, known_works_by_subject
from openlibrary_standin.works.listing import Listing, Order, Settings
from openlibrary_standin.works.subjects import subject_lanes, subject_sizes

_SELECTED_WORKS_KEPT = 4_000_000

Page = dict[str, Any]


class Catalogue:
    """Subjects and their works, each a pure function of the arguments.

    Parameters
    ----------
    works
        Sum of the works of the headline subjects at revision 0.
    seed
        Another seed gives another long tail.
    revision
        Of a later revision the subjects have more works, and the works have more editions.
    subject_works
        Number of works by subject key: replaces a headline's share, or adds a subject.
    legacy_fields
        Whether works have ``lendinglibrary``, which the OpenLibrary API dropped in 2024.
    bad_record_share
        Share of the generated works, from 0 to 1, which break the contract.
    """

    def __init__(
        self,
        works: int = 6000,
        seed: int = 1,
        revision: int = 0,
        *,
        subject_works: Mapping[str, int] | None = None,
        legacy_fields: bool = False,
        bad_record_share: float = 0.0,
    ) -> None:
        self._settings = Settings(seed, revision, legacy_fields, bad_record_share)
        self._sizes = subject_sizes(works, revision, subject_works or {})
        self._known = known_works_by_subject()
        self._lanes = subject_lanes(list(self._sizes))
        self._members = {
            key: (max(0, size - len(self._known.get(key, ()))), self._name(key))
            for key, size in self._sizes.items()
        }
        self._facets: BoundedCache[str, dict[str, Any]] = BoundedCache(100, lambda _: 1)
        self._selections: BoundedCache[tuple[object, ...], Sequence[int]] = BoundedCache(
            _SELECTED_WORKS_KEPT, len
        )

    def subjects(self) -> dict[str, int]:
        """Return the number of works of every subject which has any, the largest first."""
        sizes = {key: len(works) for key, works in self._known.items()} | self._sizes
        return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))

    def listing(self, key: str) -> Listing:
        """Works of the subject with a normalised `key`; empty when there is no such subject."""
        known = self._known.get(key, ())
        if key not in self._sizes:
            return Listing(key, known, 0, subject_lanes([key])[key], {}, self._settings)
        known = known[: self._sizes[key]]
        tail_size = self._sizes[key] - len(known)
        return Listing(key, known, tail_size, self._lanes[key], self._members, self._settings)

    def page(self, key: str, query: Query, *, replica: int = 0, removed: int = 0) -> Page:
        """Body of a subject page, as the OpenLibrary API has it since 2025-08.

        Parameters
        ----------
        key
            Normalised subject key.
        query
            Checked parameters.
        replica
            Which of the two search replicas answers, 0 or 1: it matters to ``sort=editions``.
        removed
            Number of works to leave out at the front, as if they had just been deleted.
        """
        listing = self.listing(key)
        ranks = self._select(listing, query, _order(query.sort, replica))
        removed = min(removed, len(ranks))
        start = query.offset + removed
        shown = ranks[start : start + query.limit] if start < len(ranks) else ()
        if isinstance(ranks, range):
            order = _order(query.sort, replica)
            shown = [listing.rank_at(position, order) for position in shown]
        page = empty_page(key) | {
            "work_count": len(ranks) - removed,
            "works": [listing.work(rank) for rank in shown],
        }
        return self._with_details(page, listing, query)

    def _select(self, listing: Listing, query: Query, order: Order) -> Sequence[int]:
        """Ranks of the works which pass the filters, in order; a range when there is no filter."""
        if not query.has_fulltext and query.published_in is None:
            return range(len(listing))
        cache_key = listing.key, query.has_fulltext, query.published_in, order
        return self._selections.get(cache_key, lambda: _filtered(listing, query, order))

    def _with_details(self, page: Page, listing: Listing, query: Query) -> Page:
        if query.details:
            page["name"] = self._name(listing.key)
            page |= self._facets.get(listing.key, lambda: facets(listing))
        if query.has_fulltext:
            page["ebook_count"] = page["work_count"]
        return page

    def _name(self, key: str) -> str:
        return known_subject_names().get(key) or default_name(key).capitalize()


def empty_page(key: str) -> Page:
    """Body for a subject without works: status 200 all the same (OpenLibrary API)."""
    return {
        "key": f"/subjects/{key}",
        "name": default_name(key),
        "subject_type": split_kind(key)[0],
        "solr_query": solr_query(key),
        "work_count": 0,
        "works": [],
    }


def _order(sort: Sort, replica: int) -> Order:
    if sort is Sort.EDITIONS:
        return Order.SECOND_REPLICA if replica else Order.FIRST_REPLICA
    return Order.KEY if sort is Sort.KEY else Order.EDITIONS_KEY


def _filtered(listing: Listing, query: Query, order: Order) -> Sequence[int]:
    first, last = query.published_in or (None, None)
    selected = array("L")
    for position in range(len(listing)):
        rank = listing.rank_at(position, order)
        year, has_fulltext = listing.facts(rank)
        if query.has_fulltext and not has_fulltext:
            continue
        if first is None or last is None or (year is not None and first <= year <= last):
            selected.append(rank)
    return selected
