"""Columns of lists as their items, one after another: a page's thousand lists in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ROW: Final = pa.scalar(2**32, pa.int64())


@dataclass(frozen=True, slots=True)
class Items:
    """Items of a column of lists.

    Attributes
    ----------
    rows
        The number of each item's list, ascending.
    values
        The items.
    """

    rows: pa.Array
    values: pa.Array

    @classmethod
    def of(cls, lists: pa.ListArray) -> Self:
        """Return the items of a column; a list that is null has none."""
        return cls(pc.list_parent_indices(lists), lists.flatten())

    def once(self, identities: pa.Array) -> Items:
        """Keep each item once in its list, the first of those with the same identity.

        Parameters
        ----------
        identities
            What makes each item the same as another, as text or number; an item whose identity is
            null is dropped.
        """
        rows, values = self.rows, self.values
        if identities.null_count:
            there = identities.is_valid()
            rows, values, identities = (array.filter(there) for array in (rows, values, identities))
        is_number = pa.types.is_integer(identities.type)
        codes = identities if is_number else identities.dictionary_encode().indices
        pairs = pc.add(pc.multiply(rows.cast(pa.int64()), _ROW), codes.cast(pa.int64()))
        distinct = pairs.dictionary_encode()
        if len(distinct.dictionary) == len(pairs):
            return Items(rows, values)
        # Distinct pairs are numbered as they come, so a first one has a number above all before it.
        highest = pc.cumulative_max(distinct.indices)
        first = pc.greater(pc.pairwise_diff(highest), 0).fill_null(True)
        return Items(rows.filter(first), values.filter(first))

    def lists(self, count: int, list_type: pa.ListType) -> pa.ListArray:
        """Return the column of ``count`` lists; a list without items is empty."""
        offsets = np.searchsorted(self.rows.to_numpy(), np.arange(count + 1))
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), self.values, type=list_type)
