"""Keys of the compacted rows of past days."""

from __future__ import annotations

import re
from typing import Final

from schemas.keys.segments import day_prefix, first_group

#: The rows of past days in few files, made of those that process wrote one a page.
COMPACTED_PREFIX: Final = "compacted_data/"
#: What is compacted of each day. Query engines ignore names that begin with ``_``.
COMPACTED_DAYS_PREFIX: Final = f"{COMPACTED_PREFIX}_days/"
_COMPACTED_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.json")


def compacted_prefix(table: str, day: str, generation: str) -> str:
    """Return the prefix of a processed table's compacted files of a day.

    Parameters
    ----------
    generation
        The attempt that wrote them: no two share a folder.
    """
    return f"{day_prefix(f'{COMPACTED_PREFIX}{table}/', day)}{generation}/"


def compacted_day_key(day: str) -> str:
    """Return the key of the record of a day that is compacted."""
    return f"{COMPACTED_DAYS_PREFIX}{day}.json"


def parse_compacted_day_name(name: str) -> str | None:
    """Return the day whose record has this file name; ``None`` for another file."""
    return first_group(_COMPACTED_DAY.fullmatch(name))


def compacted_pages_key(day: str, generation: str) -> str:
    """Return the key of the list of the pages that a day's compacted files hold."""
    return f"{day_prefix(f'{COMPACTED_PREFIX}_pages/', day)}{generation}.json.gz"
