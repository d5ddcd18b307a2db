"""Works as the OpenLibrary API shows them, oddities included."""

import re
from typing import Any

from openlibrary_standin.works.draws import Draws
from openlibrary_standin.works.vocabulary import COLLECTIONS

Record = dict[str, Any]

_NOT_IDENTIFIER = re.compile("[^a-z0-9]+")


def work_record(
    draws: Draws,
    *,
    number: int,
    title: str,
    editions: int,
    subjects: list[str],
    authors: list[tuple[int, str]],
    year: int | None,
    has_fulltext: bool,
    legacy_fields: bool,
) -> Record:
    """One element of ``works``, with its fields in the order of the OpenLibrary API.

    Parameters
    ----------
    draws
        Stream from which the fields without a given value are drawn.
    number
        Number of the work's key.
    authors
        Number and name of each author; possibly empty.
    year
        ``first_publish_year``: None and 0 occur.
    has_fulltext
        Whether the work was scanned; without a scan the fields about it are null, ``""``,
        ``[""]`` or absent.
    legacy_fields
        Whether to add ``lendinglibrary``, which the API dropped in 2024.
    """
    has_cover = not draws.chance(100)
    scan = _scan_fields(draws, title) if has_fulltext else _no_scan_fields(draws)
    return {
        "key": f"/works/OL{number}W",
        "title": title,
        "edition_count": editions,
        "cover_id": 1_000_000 + draws.below(13_000_000) if has_cover else None,
        "cover_edition_key": _edition_key(draws) if has_cover else None,
        "subject": subjects,
        "ia_collection": scan["ia_collection"],
        **({"lendinglibrary": False} if legacy_fields else {}),
        "printdisabled": scan["printdisabled"],
        "lending_edition": scan["lending_edition"],
        "lending_identifier": scan["lending_identifier"],
        "authors": [{"key": f"/authors/OL{author}A", "name": name} for author, name in authors],
        "first_publish_year": year,
        "ia": scan["ia"],
        "public_scan": scan["public_scan"],
        "has_fulltext": has_fulltext,
        **_availability_field(draws, number, scan),
    }


def _no_scan_fields(draws: Draws) -> Record:
    return {
        # "[""]" is how the API said "no collection" before 2026.
        "ia_collection": [""] if draws.chance(800) else [],
        "printdisabled": False,
        "lending_edition": "",
        "lending_identifier": "",
        "ia": None,
        "public_scan": False,
    }


def _scan_fields(draws: Draws, title: str) -> Record:
    letters = _NOT_IDENTIFIER.sub("", title.lower())
    ia = f"{letters[:16] or 'isbn'}{draws.below(10_000):04d}anon"
    first = draws.below(len(COLLECTIONS))
    collections = [
        COLLECTIONS[(first + step) % len(COLLECTIONS)] for step in range(1 + draws.below(9))
    ]
    is_lent = not draws.chance(80)
    return {
        "ia_collection": sorted(collections),
        "printdisabled": True,
        "lending_edition": _edition_key(draws) if is_lent else "",
        "lending_identifier": ia if is_lent else "",
        "ia": ia,
        "public_scan": draws.chance(145),
    }


def _edition_key(draws: Draws) -> str:
    return f"OL{20_000_000 + draws.below(30_000_000)}M"


def _availability_field(draws: Draws, number: int, scan: Record) -> Record:
    if scan["ia"] is None:
        return {}
    if draws.chance(3):
        return {"availability": None}
    if draws.chance(6):
        return {"availability": _availability_error(scan["ia"])}
    status = "open" if scan["public_scan"] else _lending_status(draws)
    return {"availability": _availability(draws, number, scan["ia"], status)}


def _lending_status(draws: Draws) -> str:
    drawn = draws.below(100)
    if drawn < 8:
        return "private"
    return "borrow_unavailable" if drawn < 9 else "borrow_available"


def _availability_error(identifier: str) -> Record:
    return {
        "status": "error",
        "error_message": "not found",
        "identifier": identifier,
        "is_restricted": True,
        "is_browseable": False,
        "__src__": "core.models.lending.get_availability",
    }


def _availability(draws: Draws, number: int, identifier: str, status: str) -> Record:
    is_open = status == "open"
    is_lendable = status.startswith("borrow")
    is_available = status == "borrow_available"
    was_lent = is_available and draws.chance(500)
    # The API's answer often names another work, so that nobody may join on it.
    named_work = number + 1 if draws.chance(90) else number
    return {
        "status": status,
        "available_to_browse": is_available,
        "available_to_borrow": is_available,
        "available_to_waitlist": status == "borrow_unavailable",
        "is_printdisabled": not is_open,
        "is_readable": is_open,
        "is_lendable": is_lendable,
        "is_previewable": True,
        "identifier": identifier,
        "isbn": None if is_open else f"978{draws.below(10**10):010d}",
        "oclc": None,
        "openlibrary_work": f"OL{named_work}W",
        "openlibrary_edition": _edition_key(draws),
        "last_loan_date": "2021-03-04T05:06:07Z" if was_lent else None,
        "num_waitlist": "0" if was_lent else None,
        "last_waitlist_date": None,
        "is_restricted": not is_open,
        "is_browseable": is_available,
        "__src__": "core.models.lending.get_availability",
    }
