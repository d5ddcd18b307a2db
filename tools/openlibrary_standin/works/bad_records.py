"""Records which break the contract, for showing a quarantine."""

from collections.abc import Callable

from openlibrary_standin.works.draws import Draws
from openlibrary_standin.works.records import Record


def spoil(record: Record, draws: Draws) -> Record:
    """Break one field of a copy of `record`, in a way which is drawn."""
    spoiled = dict(record)
    draws.pick(_DEFECTS)(spoiled)
    return spoiled


def _without_key(record: Record) -> None:
    del record["key"]


def _empty_key(record: Record) -> None:
    record["key"] = ""


def _number_as_title(record: Record) -> None:
    record["title"] = 1984


def _null_title(record: Record) -> None:
    record["title"] = None


def _oversized_edition_count(record: Record) -> None:
    record["edition_count"] = 10**30


def _text_as_edition_count(record: Record) -> None:
    record["edition_count"] = "many"


def _text_as_authors(record: Record) -> None:
    record["authors"] = "Anonymous"


def _null_in_subjects(record: Record) -> None:
    record["subject"] = [None, *record["subject"]]


def _text_as_year(record: Record) -> None:
    record["first_publish_year"] = "c. 1850"


_DEFECTS: tuple[Callable[[Record], None], ...] = (
    _without_key,
    _empty_key,
    _number_as_title,
    _null_title,
    _oversized_edition_count,
    _text_as_edition_count,
    _text_as_authors,
    _null_in_subjects,
    _text_as_year,
)
