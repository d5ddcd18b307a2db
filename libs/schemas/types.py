"""Column types of the row contracts: Python types that carry their width.

An integer is bounded to the width of its column: one value that overflows would fail the whole page
when the column is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True)
class FromSource:
    """Marks a column of ``works`` that holds a field of the source, texts cleaned, else as it came.

    Columns without the mark have a rule of their own. A dump lacks the field unless its loader says
    otherwise.
    """

    field: str


@dataclass(frozen=True, slots=True)
class Width:
    """Marks an integer type with the width of its column (bits)."""

    bits: Literal[32, 64]


INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1

Int32 = Annotated[int, Field(ge=-INT32_MAX - 1, le=INT32_MAX), Width(32)]
Int64 = Annotated[int, Field(ge=-INT64_MAX - 1, le=INT64_MAX), Width(64)]
Count32 = Annotated[int, Field(ge=0, le=INT32_MAX), Width(32)]
Count64 = Annotated[int, Field(ge=0, le=INT64_MAX), Width(64)]
