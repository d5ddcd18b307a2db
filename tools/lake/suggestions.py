"""Suggestions for misspelt names."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that names what may have been meant, with a space after it; or nothing."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}? " if found else ""
