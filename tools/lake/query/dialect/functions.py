"""Athena's functions that DuckDB has under another name, in another form, or not at all."""

import re
from collections.abc import Callable
from typing import Any, Final

from lake.errors import QueryError

#: Letters of Joda's patterns, which Athena's format_datetime takes, as strftime writes them.
_JODA: Final = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "DDD": "%j", "dd": "%d", "d": "%-d", "EEEE": "%A", "EEE": "%a",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "a": "%p",
}  # fmt: skip
_JODA_TOKEN: Final = re.compile(
    r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<rest>.)"
)
#: A map of the pairs, without null keys; of pairs with one key the least, where Athena takes any.
_MAP_AGG: Final = """
    map_from_entries(list_filter(_pairs, (x, i) -> i = 1 OR _pairs[i - 1].k <> x.k))
"""
_PAIRS: Final = "list({'k': _k, 'v': _v} ORDER BY _k, _v) FILTER (WHERE _k IS NOT NULL)"
#: In the logic of three values: what is not known of an element may not be known of all.
_ANY_MATCH: Final = "list_reduce(list_transform(_array, _condition), (x, y) -> x OR y, FALSE)"
_ALL_MATCH: Final = "list_reduce(list_transform(_array, _condition), (x, y) -> x AND y, TRUE)"


def in_duckdb(node: Any) -> Any:
    """Return what stands for a function in DuckDB; None if it stays as it is.

    Raises
    ------
    QueryError
        DuckDB has nothing that gives the same.
    """
    from sqlglot import exp

    if isinstance(node, exp.Reduce):
        return _reduce(node)
    if isinstance(node, exp.ParseDatetime):
        return _parse_datetime(node)
    if isinstance(node, exp.Typeof):
        raise QueryError("typeof cannot be answered locally: DuckDB names types otherwise.")
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if name == "map_agg" and isinstance(node.parent, exp.Filter | exp.Window):
        raise QueryError("map_agg with FILTER or OVER cannot be answered locally.")
    make = _FUNCTIONS.get(name)
    if make is None:
        return None
    try:
        return make(*node.expressions)
    except TypeError:
        raise QueryError(f"{name} does not take {len(node.expressions)} arguments.") from None


def call(name: str, *arguments: Any) -> Any:
    """Return a call of a function of DuckDB."""
    from sqlglot import exp

    expressions = [exp.convert(argument, copy=True) for argument in arguments]
    return exp.Anonymous(this=name, expressions=expressions)


def count_from_1(tree: Any) -> None:
    """Write each subscript as it was: sqlglot counts from 0, by the type of the array.

    Once what a subscript is of has been rewritten, its type is not known any more.
    """
    from sqlglot import exp
    from sqlglot.expressions.builders import apply_index_offset

    for node in tree.find_all(exp.Bracket):
        offset = 1 - (node.args.get("offset") or 0)
        node.set("expressions", apply_index_offset(node.this, node.expressions, offset))
        node.set("offset", 1)


def strftime_pattern(joda: str) -> str:
    """Return a pattern of Joda as one of strftime.

    Raises
    ------
    QueryError
        It has letters for which strftime has nothing.
    """
    return "".join(map(_strftime_part, _JODA_TOKEN.finditer(joda)))


def _strftime_part(token: re.Match[str]) -> str:
    if token["letters"] is not None:
        if token["letters"] not in _JODA:
            raise QueryError(
                f"{token['letters']!r} in a pattern of format_datetime cannot be answered locally.",
                f"Known are {', '.join(_JODA)}, and texts in single quotes.",
            )
        return _JODA[token["letters"]]
    text = token["rest"] if token["quoted"] is None else token["quoted"].replace("''", "'") or "'"
    return text.replace("%", "%%")


def _literal_pattern(pattern: Any) -> str:
    from sqlglot import exp

    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise QueryError("A pattern of a date must be a text in quotes to be answered locally.")
    return strftime_pattern(pattern.name)


def _format_datetime(moment: Any, pattern: Any) -> Any:
    return call("strftime", moment, _literal_pattern(pattern))


def _parse_datetime(node: Any) -> Any:
    from sqlglot import exp

    found = call("strptime", node.this, _literal_pattern(node.args["format"]))
    return exp.cast(found, exp.DType.TIMESTAMPTZ)


def _reduce(node: Any) -> Any:
    """Return list_reduce, and its result through the last function, which DuckDB's has not."""
    from sqlglot import exp

    reduced = call("list_reduce", node.this, node.args["merge"], node.args["initial"])
    single = exp.Array(expressions=[reduced])
    return exp.Bracket(
        this=call("list_transform", single, node.args["finish"]),
        expressions=[exp.Literal.number(1)],
        # Athena's arrays begin at 1, as DuckDB's do.
        offset=1,
    )


def _map_agg(key: Any, value: Any) -> Any:
    pairs = filled(_PAIRS, {"_k": key, "_v": value})
    return filled(_MAP_AGG, {"_pairs": pairs})


def filled(template: str, parts: dict[str, Any]) -> Any:
    """Return a template in DuckDB's dialect whose columns of these names are replaced."""
    import sqlglot
    from sqlglot import exp

    def fill(node: Any) -> Any:
        if isinstance(node, exp.Column) and node.name in parts:
            return parts[node.name].copy()
        return node

    tree = sqlglot.parse_one(template, dialect="duckdb")
    count_from_1(tree)
    return tree.transform(fill)


def _any_match(array: Any, condition: Any) -> Any:
    return filled(_ANY_MATCH, {"_array": array, "_condition": condition})


def _all_match(array: Any, condition: Any) -> Any:
    return filled(_ALL_MATCH, {"_array": array, "_condition": condition})


def _double(text: str) -> Any:
    from sqlglot import exp

    return exp.cast(exp.Literal.string(text), exp.DType.DOUBLE)


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "any_match": _any_match,
    "none_match": lambda array, condition: _any_match(array, condition).not_(),
    "all_match": _all_match,
    "nan": lambda: _double("NaN"),
    "infinity": lambda: _double("Infinity"),
    "format_datetime": _format_datetime,
    "map_agg": _map_agg,
}
