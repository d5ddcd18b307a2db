"""The cleaning rules over whole columns: pure functions, each with its reason.

What a rule says of one value is the same for every value, so Arrow's compiled functions apply it to
a column at once. Texts go to :func:`cleaning.values.clean_text` one by one, but only the few that
may not be clean yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cleaning import values
from cleaning.hashing import FIELD_SEPARATOR, HASHED_FIELDS, ITEM_SEPARATOR, record_hash
from cleaning.list_items import Items
from schemas.rows.work import AccessLevel

# Whatever clean_text may change: all but single blanks inside, printable ASCII, and Latin, Greek,
# Cyrillic, Hebrew, Japanese and Chinese letters that Unicode NFC leaves as they are.
_CLEAN_LETTERS: Final = (
    "\u00ae-\u02ff\u0388-\u03ce\u0400-\u0481\u05d0-\u05ea\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff"
)
_UNCLEAN: Final = f"[^ -~{_CLEAN_LETTERS}]|  |^ | $"
_TEXTS: Final = pa.list_(pa.string())
_LENT: Final = pa.array(["borrow_available", "borrow_unavailable"])


def clean_column(texts: pa.StringArray) -> pa.StringArray:
    """Return :func:`cleaning.values.clean_text` of each text."""
    texts = _where(pc.not_equal(texts, ""), texts)
    if _is_plain(texts):
        return texts
    unclean = pc.match_substring_regex(texts, _UNCLEAN).fill_null(False)
    cleaned = list(map(values.clean_text, texts.filter(unclean).to_pylist()))
    return pc.replace_with_mask(texts, unclean, pa.array(cleaned, pa.string()))


def unique_texts(lists: pa.ListArray) -> pa.ListArray:
    """Clean the texts of lists, each kept once in its list, without the blank ones.

    Before 2026 the source wrote an empty list of collections as ``[""]``.
    """
    items = Items.of(lists)
    encoded = items.values.dictionary_encode()
    cleaned = clean_column(encoded.dictionary).take(encoded.indices)
    return Items(items.rows, cleaned).once(cleaned).lists(len(lists), lists.type)


def unique_authors(lists: pa.ListArray) -> pa.ListArray:
    """Return each author once, in the source's order, without the wholly blank ones.

    An author is the same when the key is; without a key, when the name is. Of names of one author
    the first that is there stays.
    """
    items = Items.of(lists)
    key, name = (clean_column(items.values.field(part)) for part in ("key", "name"))
    # No cleaned key begins with a blank.
    identity = pc.coalesce(key, pc.binary_join_element_wise("", name, " "))
    if name.null_count:
        name = _first_names(items.rows, identity, name)
    authors = pa.StructArray.from_arrays([key, name], fields=list(lists.type.value_type))
    return Items(items.rows, authors).once(identity).lists(len(lists), lists.type)


def known_ids(numbers: pa.Array) -> pa.Array:
    """Return :func:`cleaning.values.known_id` of each number."""
    return _where(pc.greater(numbers, 0), numbers)


def known_years(years: pa.Array, fetched_year: int) -> pa.Array:
    """Return :func:`cleaning.values.known_year` of each year."""
    known = pc.and_(pc.greater(years, 0), pc.less_equal(years, fetched_year))
    return _where(known, years)


def decades(years: pa.Array) -> pa.Array:
    """Return :func:`cleaning.values.decade_of` of each year."""
    ten = pa.scalar(10, years.type)
    return pc.multiply(pc.divide(years, ten), ten)


def access_levels(
    public_scan: pa.BooleanArray,
    has_fulltext: pa.BooleanArray,
    print_disabled: pa.BooleanArray,
    lending_library: pa.BooleanArray,
    status: pa.StringArray,
) -> pa.StringArray:
    """Return what a reader can do with works: the most generous of what their fields promise.

    ``open`` before ``borrowable`` before ``print_disabled``; ``restricted`` is a scan for nobody,
    ``none`` no scan. A work on loan stays ``borrowable``. ``lending_library`` stands in for
    ``availability`` in the years that had none.
    """
    is_open = pc.or_kleene(public_scan, pc.equal(status, "open"))
    is_lent = pc.or_kleene(lending_library, pc.is_in(status, _LENT))
    conditions = pc.make_struct(is_open, is_lent, print_disabled, has_fulltext)
    levels: tuple[AccessLevel, ...] = ("open", "borrowable", "print_disabled", "restricted", "none")
    return pc.case_when(conditions, *levels)


def cover_urls(cover_ids: pa.Array) -> pa.StringArray:
    """Return :func:`cleaning.values.cover_url` of each id."""
    ids = cover_ids.cast(pa.string())
    return pc.binary_join_element_wise("https://covers.openlibrary.org/b/id/", ids, "-L.jpg", "")


def work_urls(work_keys: pa.StringArray) -> pa.StringArray:
    """Return :func:`cleaning.values.work_url` of each key."""
    return pc.binary_join_element_wise("https://openlibrary.org", work_keys, "")


def hash_texts(column: pa.Array) -> pa.StringArray:
    """Return a column's values as :func:`record_hashes` joins them.

    Flags are ``true`` and ``false``, numbers are digits. Items of lists, and key and name of
    authors, are joined by U+001E, which no cleaned text contains.
    """
    if pa.types.is_list(column.type):
        items = column.values
        if pa.types.is_struct(items.type):
            items = _joined(items.flatten(), ITEM_SEPARATOR)
        texts = pa.ListArray.from_arrays(column.offsets, items, type=_TEXTS)
        return pc.binary_join(texts, ITEM_SEPARATOR)
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def record_hashes(columns: Sequence[pa.Array]) -> pa.StringArray:
    """Return :func:`cleaning.hashing.record_hash` of each row's fields, joined."""
    texts = _joined(list(map(hash_texts, columns)), FIELD_SEPARATOR)
    return pa.array(list(map(record_hash, texts.cast(pa.binary()).to_pylist())), pa.string())


def work_hashes(columns: Mapping[str, pa.Array]) -> pa.StringArray:
    """Return :func:`cleaning.hashing.work_hash` of each row.

    Parameters
    ----------
    columns
        The columns of ``works`` by name, at least :data:`cleaning.hashing.HASHED_FIELDS`.
    """
    subjects = columns["subjects"]
    names = pa.ListArray.from_arrays(subjects.offsets, subjects.values.field("name"))
    hashed = {**columns, "subjects": names}
    return record_hashes([hashed[name] for name in HASHED_FIELDS])


def _first_names(rows: pa.Array, identity: pa.Array, name: pa.Array) -> pa.Array:
    """Fill each author's name with the first that its list has for it; few lists need it."""
    owners = list(zip(rows.to_pylist(), identity.to_pylist(), strict=True))
    names = name.to_pylist()
    first: dict[tuple[int, str], str] = {}
    for owner, one in zip(owners, names, strict=True):
        if one is not None:
            first.setdefault(owner, one)
    pairs = zip(owners, names, strict=True)
    return pa.array([first.get(owner) if one is None else one for owner, one in pairs], pa.string())


def _is_plain(texts: pa.StringArray) -> bool:
    # Identifiers, and most columns of names: all bytes at once are tested in a fraction of the
    # pattern's time.
    _, _, buffer = texts.buffers()
    content = buffer.to_pybytes() if buffer else b""
    if not content.isascii() or b"  " in content or not content.decode("ascii").isprintable():
        return False
    if b" " not in content:
        return True
    at_an_end = pc.or_(pc.starts_with(texts, " "), pc.ends_with(texts, " "))
    return not pc.any(at_an_end).as_py()


def _joined(columns: Sequence[pa.Array], separator: str) -> pa.StringArray:
    return pc.binary_join_element_wise(
        *columns, separator, null_handling="replace", null_replacement=""
    )


def _where(condition: pa.BooleanArray, column: pa.Array) -> pa.Array:
    return pc.if_else(condition, column, pa.scalar(None, column.type))
