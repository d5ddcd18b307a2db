"""Facets which ``details=true`` adds to a subject page."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from openlibrary_standin.works import vocabulary
from openlibrary_standin.works.draws import Draws
from openlibrary_standin.works.keys import subject_key
from openlibrary_standin.works.known_works import KnownWork
from openlibrary_standin.works.listing import Listing
from openlibrary_standin.works.records import Record

_FACET_LENGTH = 25
_SAMPLE = 400

Facet = list[dict[str, Any]]


def facets(listing: Listing) -> dict[str, Any]:
    """Facets of a subject.

    Counts come from its first works and are scaled to all of them: the API's own counts cannot be
    reconciled with the works either. ``ebook_count`` alone is exact.

    Returns
    -------
    dict
        Lists of at most 25 entries, ``publishing_history`` as ``[year, works]`` pairs whose sum
        exceeds the number of works, and ``ebook_count`` (OpenLibrary API).
    """
    ranks = range(min(len(listing), _SAMPLE))
    works = [listing.work(rank) for rank in ranks]
    draws = [Draws("facets", listing.key, rank) for rank in ranks]
    scale = max(1, len(listing) // _SAMPLE)
    return {
        "authors": _authors(works, scale),
        "subjects": _other_subjects(listing.key, works, scale),
        **_named_facets(listing.known, draws, scale),
        "publishers": _publishers(draws, scale),
        "languages": _counted((stream.pick(vocabulary.LANGUAGES) for stream in draws), scale),
        "publishing_history": _publishing_history(listing, scale),
        "ebook_count": sum(listing.facts(rank)[1] for rank in range(len(listing))),
    }


def _counted(names: Iterable[str], scale: int) -> Facet:
    return [
        {"count": count * scale, "name": name}
        for name, count in Counter(names).most_common(_FACET_LENGTH)
    ]


def _subjects(kind: str, names: Iterable[str], scale: int) -> Facet:
    return [
        entry | {"key": f"/subjects/{subject_key(kind, entry['name'])}"}
        for entry in _counted(names, scale)
    ]


def _other_subjects(key: str, works: list[Record], scale: int) -> Facet:
    # A bad record may have a null among its subjects.
    names = (name for work in works for name in work["subject"] if name)
    return [
        entry for entry in _subjects("subject", names, scale) if entry["key"] != f"/subjects/{key}"
    ]


def _named_facets(known: tuple[KnownWork, ...], draws: list[Draws], scale: int) -> dict[str, Facet]:
    places = [name for work in known for name in work.places]
    people = [name for work in known for name in work.people]
    times = [name for work in known for name in work.times]
    places += [stream.pick(vocabulary.PLACES) for stream in draws]
    people += [stream.pick(vocabulary.PEOPLE) for stream in draws]
    times += [stream.pick(vocabulary.TIMES) for stream in draws]
    return {
        "places": _subjects("place", places, scale),
        "people": _subjects("person", people, scale),
        "times": _subjects("time", times, scale),
    }


def _authors(works: list[Record], scale: int) -> Facet:
    # A bad record may have a text for its authors.
    lists = (work["authors"] for work in works if isinstance(work["authors"], list))
    counts = Counter((author["name"], author["key"]) for authors in lists for author in authors)
    return [
        {"count": count * scale, "name": name, "key": key}
        for (name, key), count in counts.most_common(_FACET_LENGTH)
    ]


def _publishers(draws: list[Draws], scale: int) -> Facet:
    counted = _counted((stream.pick(vocabulary.PUBLISHERS) for stream in draws), scale)
    return [entry | {"key": "/publishers/" + entry["name"].replace(" ", "_")} for entry in counted]


def _publishing_history(listing: Listing, scale: int) -> list[list[int]]:
    years: Counter[int] = Counter()
    for rank in range(min(len(listing), _SAMPLE)):
        first_year = listing.facts(rank)[0] or 1900
        # Each work counts in the years of its later editions too.
        years.update({first_year: 1, min(first_year + 10, 2024): 1, 2019: 1})
    return [[year, count * scale] for year, count in sorted(years.items())]
