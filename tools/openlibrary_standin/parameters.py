"""Query parameters of a subject page: their defaults, their limits and their error bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

MAX_LIMIT = 1000
_DEFAULT_LIMIT = 12
_TRUE = {"1", "true", "t", "yes", "y", "on"}
_FALSE = {"0", "false", "f", "no", "n", "off"}

Problem = dict[str, Any]


class Sort(Enum):
    """Orders of the OpenLibrary API which the stand-in models."""

    EDITIONS = "editions"
    EDITIONS_KEY = "editions,key"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Query:
    """Checked parameters of a subject page.

    Attributes
    ----------
    published_in
        First and last year, or None for no filter.
    """

    limit: int = _DEFAULT_LIMIT
    offset: int = 0
    sort: Sort = Sort.EDITIONS
    details: bool = False
    has_fulltext: bool = False
    published_in: tuple[int, int] | None = None


class ParameterError(Exception):
    """The OpenLibrary API answers 422 with these `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(str(problems))
        self.problems = problems


class UnknownSortError(Exception):
    """The OpenLibrary API answers 500 for a `sort` it does not know."""


def raw_parameters(query_string: str) -> dict[str, str]:
    """Parameters of a URL; of a repeated one the last counts."""
    return dict(parse_qsl(query_string, keep_blank_values=True))


def parse_query(raw: Mapping[str, str]) -> Query:
    """Check the parameters of a request.

    An invalid ``published_in``, ``ebooks`` and unknown parameters are ignored without a word
    (OpenLibrary API).

    Raises
    ------
    ParameterError
        When a number or a boolean cannot be read or is out of range.
    UnknownSortError
        When ``sort`` is none of the modelled orders. The API knows more of them; a client which
        uses one fails here at once.
    """
    problems: list[Problem] = []
    limit = _integer(raw, "limit", _DEFAULT_LIMIT, MAX_LIMIT, problems)
    offset = _integer(raw, "offset", 0, None, problems)
    details = _boolean(raw, "details", problems)
    has_fulltext = _boolean(raw, "has_fulltext", problems)
    if problems:
        raise ParameterError(problems)
    sort = _sort(raw.get("sort", Sort.EDITIONS.value))
    return Query(limit, offset, sort, details, has_fulltext, _years(raw.get("published_in", "")))


def _sort(text: str) -> Sort:
    names = [name.strip() for name in text.split(",")]
    if not set(names) <= {"editions", "key"}:
        raise UnknownSortError(text)
    if names[0] == "key":
        return Sort.KEY
    return Sort.EDITIONS_KEY if "key" in names else Sort.EDITIONS


def _integer(
    raw: Mapping[str, str], name: str, default: int, most: int | None, problems: list[Problem]
) -> int:
    text = raw.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        message = "Input should be a valid integer, unable to parse string as an integer"
        problems.append(_problem("int_parsing", name, message, text))
        return default
    if value < 0:
        message = "Input should be greater than or equal to 0"
        problems.append(_problem("greater_than_equal", name, message, text) | {"ctx": {"ge": 0}})
    if most is not None and value > most:
        message = f"Input should be less than or equal to {most}"
        problems.append(_problem("less_than_equal", name, message, text) | {"ctx": {"le": most}})
    return value


def _boolean(raw: Mapping[str, str], name: str, problems: list[Problem]) -> bool:
    text = raw.get(name, "false")
    if text.lower() not in _TRUE | _FALSE:
        message = "Input should be a valid boolean, unable to interpret input"
        problems.append(_problem("bool_parsing", name, message, text))
    return text.lower() in _TRUE


def _problem(kind: str, name: str, message: str, text: str) -> Problem:
    return {"type": kind, "loc": ["query", name], "msg": message, "input": text}


def _years(text: str) -> tuple[int, int] | None:
    first, dash, last = text.partition("-")
    try:
        return int(first), int(last if dash else first)
    except ValueError:
        return None
