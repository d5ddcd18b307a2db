"""Splits a page that is not JSON throughout: one broken record costs itself and no other.

Slow, and for such pages alone. It follows strings and brackets, no deeper than they are read, so
that neither a byte that is not UTF-8 nor ten thousand brackets end it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

# Possessive, or the way back through a string takes a hundred bytes for each byte of it.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
_OPENING: Final = (b"{", b"[")
_CLOSING: Final = {b"{": b"}", b"[": b"]"}


class SplitError(ValueError):
    """The text's strings and brackets do not add up to a value."""


def split_object(text: bytes) -> dict[bytes, bytes]:
    """Split an object into its values by name, each as it is written; of equal names the last.

    Raises
    ------
    SplitError
        When it is not an object.
    """
    return dict(split_members(text))


def split_members(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Split an object into its names and values, each as it is written.

    Raises
    ------
    SplitError
        When it is not an object.
    """
    for start, end in _parts(text, b"{"):
        part = text[start:end].lstrip()
        name = _TOKEN.match(part)
        value = part[name.end() :].lstrip() if name else b""
        if name is None or name[0][:1] != b'"' or value[:1] != b":":
            raise SplitError("a name or a value is missing")
        yield name[0][1:-1], value[1:].strip()


def split_array(text: bytes) -> list[bytes]:
    """Split an array into its values, each as it is written.

    Raises
    ------
    SplitError
        When it is not an array.
    """
    return [text[start:end].strip() for start, end in _parts(text, b"[")]


def has_more_tokens(text: bytes, most: int) -> bool:
    """Return whether a text has more than so many strings, words, brackets, commas and colons."""
    return next(islice(_TOKEN.finditer(text), most, None), None) is not None


def depth_of(text: bytes) -> int:
    """Return how deep the brackets of a text are nested."""
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        if token[0] in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in (b"]", b"}"):
            depth -= 1
    return deepest


def _parts(text: bytes, opening: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part between the commas of an array or object."""
    open_brackets: list[bytes] = []
    start = place = 0
    has_value = False
    for token in _TOKEN.finditer(text):
        if text[place : token.start()].strip():
            raise SplitError("a string does not end")
        place = token.end()
        kind = token[0]
        if not open_brackets:
            if kind != opening or start:
                raise SplitError(f"it does not begin with {opening.decode()}")
            open_brackets.append(kind)
            start = token.end()
        elif kind in _OPENING:
            if has_value and len(open_brackets) == 1:
                raise SplitError("a comma is missing, so that two values would pass for one")
            open_brackets.append(kind)
        elif kind in (b"]", b"}"):
            if _CLOSING[open_brackets.pop()] != kind:
                raise SplitError("brackets do not match")
            if not open_brackets:
                if text[start : token.start()].strip():
                    yield start, token.start()
                break
            has_value |= len(open_brackets) == 1
        elif kind == b"," and len(open_brackets) == 1:
            if not text[start : token.start()].strip():
                raise SplitError("a value is missing between two commas")
            yield start, token.start()
            start, has_value = token.end(), False
    if open_brackets or text[place:].strip() or not start:
        raise SplitError("it does not end, or something follows")
