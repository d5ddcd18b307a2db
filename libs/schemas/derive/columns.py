"""Neutral columns: the form between a row contract and the schemas of Arrow, Glue and Spark."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import datetime
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import AwareDatetime, BaseModel

from schemas.types import Width

ScalarName = Literal["string", "int32", "int64", "bool", "timestamp"]

_PLAIN: dict[Any, ScalarName] = {
    str: "string",
    bool: "bool",
    datetime: "timestamp",
    AwareDatetime: "timestamp",
}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of items of one type."""

    item: ColumnType


@dataclass(frozen=True, slots=True)
class StructOf:
    """A group of named fields."""

    fields: tuple[Column, ...]


type ColumnType = ScalarName | ListOf | StructOf


@dataclass(frozen=True, slots=True)
class Column:
    """A column or a field of a struct.

    Attributes
    ----------
    nullable
        Whether the contract allows null. The physical schemas allow it everywhere, so that a later
        contract can relax a column.
    """

    name: str
    type: ColumnType
    nullable: bool
    description: str


class NoColumnTypeError(TypeError):
    """A field has a type that no column can have."""


def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """Derive the columns of a row contract, in the order of its fields.

    Raises
    ------
    TypeError
        When a field's type has no column type, or a field has no description.
    """
    hints = get_type_hints(model, include_extras=True)
    columns = []
    for name, info in model.model_fields.items():
        column_type, nullable = _column_type(hints[name], f"{model.__name__}.{name}")
        if not info.description:
            raise TypeError(f"{model.__name__}.{name} needs a description: the catalogue shows it")
        columns.append(Column(name, column_type, nullable, info.description))
    return tuple(columns)


def source_columns(contract: Any) -> tuple[Column, ...]:
    """Derive the columns that hold a source record's fields as they come, in the contract's order.

    Parameters
    ----------
    contract
        A ``TypedDict``; what it says of a field's bounds is not looked at. A field that may be of
        several types has no column and is left out.
    """
    columns = []
    for name, hint in get_type_hints(contract, include_extras=True).items():
        try:
            column_type, nullable = _column_type(hint, f"{contract.__name__}.{name}")
        except NoColumnTypeError:
            continue
        columns.append(Column(name, column_type, nullable, ""))
    return tuple(columns)


def _column_type(hint: Any, where: str) -> tuple[ColumnType, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        if len(parts) == 1:
            return _column_type(parts[0], where)[0], True
    elif get_origin(hint) is Annotated:
        return _annotated(hint, where)
    elif isinstance(hint, type) and hint in _PLAIN:
        return _PLAIN[hint], False
    elif get_origin(hint) is NotRequired:
        return _column_type(get_args(hint)[0], where)
    elif get_origin(hint) is Literal and all(isinstance(value, str) for value in get_args(hint)):
        return "string", False
    elif get_origin(hint) is list:
        return ListOf(_column_type(get_args(hint)[0], where)[0]), False
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        return StructOf(columns_of(hint)), False
    elif is_typeddict(hint):
        return StructOf(source_columns(hint)), False
    raise NoColumnTypeError(
        f"{where}: {hint!r} has no column type; integers need one of schemas.types"
    )


def _annotated(hint: Any, where: str) -> tuple[ColumnType, bool]:
    for mark in hint.__metadata__:
        if isinstance(mark, Width):
            return ("int32" if mark.bits == 32 else "int64"), False
    return _column_type(get_args(hint)[0], where)
