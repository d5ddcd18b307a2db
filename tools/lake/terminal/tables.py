"""Tables that fit the terminal without falsifying it.

Numbers, times and ids are never cut. In a narrow terminal nested values are shortened first, then
names are folded, then long texts are shortened; what still does not fit is turned on its side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from lake.query.tabular import QueryResult, plain_text

MAX_ROWS = 100
MAX_ROWS_ON_SIDE = 20
MAX_TEXT = 60
MAX_TEXT_ON_SIDE = 600
LONGEST_ID = 36
# What a shortened column keeps.
SHORTEST_NESTED = 12
SHORTEST_TEXT = 16
LONGEST_NAME_PART = 14
# Padding and divider of one column.
PER_COLUMN = 2
NUMBERS = {
    "bigint",
    "decimal",
    "double",
    "float",
    "int",
    "integer",
    "real",
    "smallint",
    "tinyint",
}
NESTED = {"array", "map", "row", "struct"}
EXACT = {"boolean", "date", "time", "timestamp", "timestamp with time zone"}


class Kind(Enum):
    """How a column may be shown."""

    NUMBER = "number"
    EXACT = "exact"
    NESTED = "nested"
    TEXT = "text"

    @property
    def shortest(self) -> int | None:
        """Characters to which its values may be shortened; None if they may not."""
        return {Kind.NESTED: SHORTEST_NESTED, Kind.TEXT: SHORTEST_TEXT}.get(self)


@dataclass(frozen=True)
class Column:
    """A column with its values as text; None for null."""

    name: str
    kind: Kind
    values: Sequence[str | None]

    @property
    def width(self) -> int:
        """Width of its widest value."""
        widest = max((cell_len(value or "null") for value in self.values), default=0)
        return widest if self.kind.shortest is None else min(widest, MAX_TEXT)

    @property
    def name_width(self) -> int:
        """Width of its name when that is folded."""
        longest = max(cell_len(part) for part in _parts(self.name)) if self.name else 1
        return min(longest, LONGEST_NAME_PART)


@dataclass(frozen=True)
class FittedTable:
    """A table that adapts itself to the width of the console.

    Attributes
    ----------
    total
        Number of rows, of which the columns hold the first ones; None shows no number.
    wraps
        Wrap texts instead of shortening them.
    """

    columns: Sequence[Column]
    title: str = ""
    total: int | None = None
    wraps: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or its rows one below the other where it does not fit."""
        widths = fit(self.columns, options.max_width)
        if self.title:
            yield Text(f"\n{self.title}", style="bold")
        if widths is not None:
            yield self._upright(widths)
            shown = self._rows
        else:
            shown = min(self._rows, MAX_ROWS_ON_SIDE)
            yield from self._on_side(shown, options.max_width)
        # Not the table's own caption, which would wrap at the width of the table.
        if self.total is not None:
            yield Text(_caption(self.total, shown), style="dim")

    @property
    def _rows(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def _upright(self, widths: Sequence[int]) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold"
        )
        for column, width in zip(self.columns, widths, strict=True):
            table.add_column(
                _folded(column.name, width),
                justify="right" if column.kind is Kind.NUMBER else "left",
                width=width,
                no_wrap=not self.wraps,
                overflow="fold" if self.wraps else "ellipsis",
            )
        longest = MAX_TEXT_ON_SIDE if self.wraps else MAX_TEXT
        for number in range(self._rows):
            table.add_row(*(_cell(column.values[number], longest) for column in self.columns))
        return table

    def _on_side(self, rows: int, width: int) -> RenderResult:
        names = min(max(cell_len(column.name) for column in self.columns), width // 2)
        for number in range(rows):
            if self._rows > 1:
                yield Text(f"row {number + 1}", style="dim")
            grid = Table.grid(padding=(0, 2))
            grid.add_column(style="bold", width=names, overflow="fold")
            grid.add_column(overflow="fold")
            for column in self.columns:
                grid.add_row(Text(column.name), _cell(column.values[number], MAX_TEXT_ON_SIDE))
            yield grid


def fit(columns: Sequence[Column], width: int) -> list[int] | None:
    """Return the widths of columns in a terminal; None if they do not fit into it.

    Parameters
    ----------
    width
        Characters of a line.
    """
    available = width - PER_COLUMN * len(columns)
    widths = [max(column.width, cell_len(column.name)) for column in columns]
    nested, text = (
        [
            (
                max(min(column.width, kind.shortest or 0), column.name_width)
                if column.kind is kind
                else None
            )
            for column in columns
        ]
        for kind in (Kind.NESTED, Kind.TEXT)
    )
    names: list[int | None] = [
        max(column.width, column.name_width) if column.kind is not Kind.NESTED else None
        for column in columns
    ]
    for shortest in (nested, names, text):
        _shrink(widths, shortest, available)
    return widths if sum(widths) <= available else None


def result_table(
    result: QueryResult, max_rows: int = MAX_ROWS, *, wraps: bool = False
) -> FittedTable:
    """Return the table of a query's result, with its number of rows below it."""
    rows = result.rows[:max_rows]
    columns = [
        _column(name, kind, [row[index] for row in rows])
        for index, (name, kind) in enumerate(zip(result.columns, result.types, strict=True))
    ]
    return FittedTable(columns, total=len(result.rows), wraps=wraps)


def table(
    title: str, names: Sequence[str], rows: Sequence[Sequence[object]], *, wraps: bool = False
) -> FittedTable:
    """Return a table of values whose types say how they are shown."""
    columns = []
    for index, name in enumerate(names):
        values = [row[index] for row in rows]
        known = [value for value in values if value is not None]
        numeric = bool(known) and all(isinstance(value, int | float) for value in known)
        type_name = "double" if numeric else "varchar"
        columns.append(_column(name, type_name, ["-" if v is None else v for v in values]))
    return FittedTable(columns, title=title, wraps=wraps)


def _column(name: str, type_name: str, values: Sequence[Any]) -> Column:
    texts = [None if value is None else _printable(value) for value in values]
    base = type_name.split("(")[0].split("<")[0].strip().lower()
    if base in NUMBERS:
        kind = Kind.NUMBER
    elif base in NESTED:
        kind = Kind.NESTED
    elif base in EXACT or all(_is_id(text) for text in texts if text is not None):
        kind = Kind.EXACT
    else:
        kind = Kind.TEXT
    return Column(_printable(name), kind, texts)


def _is_id(text: str) -> bool:
    return len(text) <= LONGEST_ID and " " not in text


def _printable(value: object) -> str:
    """Return a value on one line without control characters: the data is not trusted."""
    line = " ".join(plain_text(value).split("\n")).replace("\t", " ")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _shrink(widths: list[int], shortest: Sequence[int | None], available: int) -> None:
    """Narrow the widest of some columns until all fit, none below its shortest width."""
    while sum(widths) > available:
        wide = [
            index
            for index, least in enumerate(shortest)
            if least is not None and widths[index] > least
        ]
        if not wide:
            return
        widths[max(wide, key=lambda index: widths[index])] -= 1


def _parts(name: str) -> list[str]:
    """Return the parts between which a name may be folded."""
    words = name.replace("_", "_ ").split(" ")
    return [word for word in words if word]


def _folded(name: str, width: int) -> Text:
    lines = [""]
    for part in _parts(name):
        separator = "" if not lines[-1] or lines[-1].endswith("_") else " "
        if lines[-1] and cell_len(lines[-1] + separator + part) > width:
            lines.append(part)
        else:
            lines[-1] += separator + part
    return Text("\n".join(lines))


def _cell(value: str | None, longest: int) -> Text:
    if value is None:
        return Text("null", style="dim")
    return Text(value if len(value) <= longest else value[: longest - 1] + "…")


def _caption(total: int, shown: int) -> str:
    text = f"{total:,} row" + ("" if total == 1 else "s")
    return text if total <= shown else f"{text}, the first {shown:,} are shown"
