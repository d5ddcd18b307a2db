"""Expressions to which DuckDB gives another value than Athena, rewritten to Athena's.

What Athena answers with an error is one here: what is not a number is cast to one, which also
`try` takes for an error, and `failure` finds the text in what DuckDB says of it.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from lake.errors import QueryError
from lake.query.dialect.functions import call, filled
from lake.query.dialect.statement import DIALECT
from lake.query.dialect.text_patterns import java_format, replacement_of_groups

_MARK: Final = "Athena: "
_FAILURE: Final = re.compile(rf"Could not convert string '{_MARK}(.*)' to \w+$")
#: Writes a double, given as DuckDB writes it, as Athena's CAST does: 1997.0 is 1.997E3.
DOUBLE_TEXT: Final = "_lake_double_text"
DOUBLE_TEXT_MACRO: Final = rf"""
    CREATE MACRO {DOUBLE_TEXT}_of(sign, digits, fraction, exponent) AS
        CASE WHEN digits = '' THEN sign || '0.0E0' ELSE sign || left(digits, 1) || '.'
        || coalesce(nullif(rtrim(substring(digits, 2), '0'), ''), '0')
        || 'E' || (exponent + length(digits) - length(fraction) - 1) END;
    CREATE MACRO {DOUBLE_TEXT}(text) AS CASE text
        WHEN 'nan' THEN 'NaN' WHEN 'inf' THEN 'Infinity' WHEN '-inf' THEN '-Infinity'
        ELSE {DOUBLE_TEXT}_of(
            CASE WHEN text LIKE '-%' THEN '-' ELSE '' END,
            ltrim(regexp_replace(split_part(text, 'e', 1), '[-.]', '', 'g'), '0'),
            split_part(split_part(text, 'e', 1), '.', 2),
            coalesce(TRY_CAST(split_part(text, 'e', 2) AS INTEGER), 0)) END
"""

#: By sqlglot's class; `_this` and the like stand for the arguments of a node by their names.
_TEMPLATES: Final = {
    "ArrayMax": "CASE WHEN list_count(_this) = array_length(_this) THEN list_max(_this) END",
    "ArrayMin": "CASE WHEN list_count(_this) = array_length(_this) THEN list_min(_this) END",
    "ArrayPosition": """
        CASE WHEN _this IS NOT NULL AND _expression IS NOT NULL
        THEN coalesce(CAST(list_position(_this, _expression) AS BIGINT), 0) END
    """,
    "RegexpExtract": """
        CASE WHEN regexp_matches(_this, _expression)
        THEN regexp_extract(_this, _expression, _group) END
    """,
    "SplitPart": f"""
        string_split(_this, _delimiter)[CASE WHEN _part_index < 1
        THEN CAST('{_MARK}split_part counts from 1.' AS BIGINT) ELSE _part_index END]
    """,
}
_ELEMENT: Final = f"""
    _array[CASE WHEN _index BETWEEN 1 AND array_length(_array) THEN _index
    WHEN _array IS NOT NULL AND _index IS NOT NULL
    THEN CAST('{_MARK}an array has no such element: element_at gives NULL there.' AS BIGINT) END]
"""
_ELEMENT_OR_NULL: Final = f"""
    _array[CASE WHEN _index = 0
    THEN CAST('{_MARK}element_at counts from 1.' AS BIGINT) ELSE _index END]
"""
_MAP_VALUE: Final = f"""
    map_extract(_map, _key)[CASE WHEN NOT map_contains(_map, _key)
    THEN CAST('{_MARK}a map has no such key: element_at gives NULL there.' AS BIGINT) ELSE 1 END]
"""
_SUBSTRING: Final = """
    CASE WHEN _start = 0 OR _start < -length(_this) THEN left(_this, 0)
    ELSE substring(_this, _start) END
"""
_LEFT: Final = "left(_this, CASE WHEN _length < 0 THEN 0 ELSE _length END)"
_DATES_APART: Final = "CAST(_this AS TIMESTAMP) - CAST(_expression AS TIMESTAMP)"
_CHECKED_TEXT: Final = """
    CASE WHEN NOT regexp_full_match(_this, _pattern) THEN _mark || _this || _end ELSE _this END
"""
_TIMESTAMP_TEXT: Final = "left(strftime(_this, '%Y-%m-%d %H:%M:%S.%f'), _length)"
_ANY_TEXT: Final = f"""
    CASE WHEN typeof(_this) IN ('DOUBLE', 'FLOAT') THEN {DOUBLE_TEXT}(CAST(_this AS VARCHAR))
    WHEN typeof(_this) IN ('TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS') THEN left(
        strftime(TRY_CAST(CAST(_this AS VARCHAR) AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f'), 23)
    WHEN typeof(_this) = 'TIMESTAMP WITH TIME ZONE' THEN left(
        strftime(TRY_CAST(CAST(_this AS VARCHAR) AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f'), 23)
        || ' UTC'
    ELSE CAST(_this AS VARCHAR) END
"""
_SHORT_NUMBER: Final = f"""
    CASE WHEN length(_this) > _length
    THEN CAST(CAST('{_MARK}a number is longer than its varchar.' AS BIGINT) AS VARCHAR)
    ELSE _this END
"""
#: The kinds of a whole number and of a boolean, with what a text must be to become one.
_DIGITS: Final = "[+-]?[0-9]+"
_FROM_TEXT: Final = {
    "TINYINT": _DIGITS,
    "SMALLINT": _DIGITS,
    "INT": _DIGITS,
    "BIGINT": _DIGITS,
    "BOOLEAN": "(?i)t|true|1|f|false|0",
}
_TEXTS: Final = {"VARCHAR", "TEXT"}
_FLOATS: Final = {"DOUBLE", "FLOAT"}
#: DuckDB and Athena write these alike as text. No decimals: sqlglot takes 1.5 for a double.
_SAME_TEXT: Final = {"TINYINT", "SMALLINT", "INT", "BIGINT", "BOOLEAN", "DATE"} | _TEXTS
_NESTED: Final = {"ARRAY", "MAP", "STRUCT"}
_PARTS: Final = {
    "DOW": "ISODOW",
    "DAY_OF_WEEK": "ISODOW",
    "DAY_OF_MONTH": "DAY",
    "DAY_OF_YEAR": "DOY",
    "YEAR_OF_WEEK": "ISOYEAR",
    "YOW": "ISOYEAR",
}


def with_same_value(node: Any) -> Any:
    """Return what gives Athena's value in DuckDB; None if the expression does as it is.

    Raises
    ------
    QueryError
        DuckDB has nothing that gives the same.
    """
    name = type(node).__name__
    if name in _TEMPLATES:
        return filled(_TEMPLATES[name], _arguments(node))
    make = _MAKERS.get(name)
    return make(node) if make is not None else None


def failure(message: str) -> str | None:
    """Return what Athena would say of a failed query; None if DuckDB's own words are it."""
    found = _FAILURE.search(message)
    return found[1] if found else None


def days_apart(node: Any) -> Any:
    """Return the interval between two dates, where DuckDB has a number of days."""
    return filled(f"({_DATES_APART})", _arguments(node))


def kind(node: Any) -> str:
    """Return the name of the type that an expression carries in `meta`."""
    found = node.meta.get("type")
    return str(found.this.name) if found is not None else "UNKNOWN"


def _date_diff(node: Any) -> Any:
    """Count whole units, where DuckDB's date_diff counts the boundaries between."""
    return call("date_sub", node.args["unit"].name.lower(), node.expression, node.this)


def _extract(node: Any) -> Any:
    from sqlglot import exp

    part = _PARTS.get(node.this.name.upper())
    return part and exp.Extract(this=exp.var(part), expression=node.expression.copy())


def _subscript(node: Any) -> Any:
    from sqlglot import exp

    (index,) = node.expressions
    lenient = node.args.get("safe")
    if kind(node.this) == "MAP" and not lenient:
        return filled(_MAP_VALUE, {"_map": node.this, "_key": index})
    # A number other than 0 is as good for DuckDB's lenient subscript as for element_at.
    if kind(node.this) != "ARRAY" or (
        lenient and isinstance(index, exp.Literal) and index.name != "0"
    ):
        return None
    template = _ELEMENT_OR_NULL if lenient else _ELEMENT
    return filled(template, {"_array": node.this, "_index": index})


def _substring(node: Any) -> Any:
    length = node.args.get("length")
    from_start = _is_positive(node.args["start"])
    if from_start and (length is None or _is_positive(length)):
        return None
    found = node.copy()
    found.set("length", None)
    if not from_start:
        found = filled(_SUBSTRING, _arguments(node))
    return filled(_LEFT, {"_this": found, "_length": length}) if length is not None else found


def _is_positive(node: Any) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Literal) and node.is_int and int(node.name) > 0


def _cast(node: Any) -> Any:
    target = node.args["to"].this.name
    if target in _FROM_TEXT:
        return _to_whole(node, target)
    if target in _TEXTS:
        return _to_text(node)
    if target == "CHAR":
        raise QueryError("The blanks of char cannot be answered locally.", "CAST to varchar.")
    return None


def _to_whole(node: Any, target: str) -> Any:
    """Round half up, and take no text but digits."""
    from sqlglot import exp

    source = kind(node.this)
    found = node.copy()
    if source in _TEXTS:
        marks = {"_mark": f"{_MARK}cannot cast '", "_end": f"' to {_name(node)}."}
        texts = {key: exp.Literal.string(text) for key, text in marks.items()}
        pattern = {"_pattern": exp.Literal.string(_FROM_TEXT[target])}
        found.set("this", filled(_CHECKED_TEXT, {"_this": node.this} | texts | pattern))
    elif source in _FLOATS and target != "BOOLEAN":
        found.set("this", call("round", node.this))
    else:
        return None
    return found


def _name(cast: Any) -> str:
    return str(cast.args["to"].sql(dialect=DIALECT)).lower()


def _to_text(node: Any) -> Any:
    """Write doubles and times as Athena does, and no more than a varchar holds."""
    from sqlglot import exp

    source = kind(node.this)
    length = node.args["to"].expressions
    if source in _NESTED:
        raise QueryError(
            "An array, map or row cannot be cast to varchar.",
            "Write json_format(CAST(... AS json)).",
        )
    if source in _SAME_TEXT:
        text = exp.cast(node.this.copy(), exp.DType.VARCHAR)
    elif source == "TIMESTAMP" and node.this.meta["type"].expressions:
        digits = int(node.this.meta["type"].expressions[0].name)
        size = exp.Literal.number(20 + digits if digits else 19)
        text = filled(_TIMESTAMP_TEXT, {"_this": node.this, "_length": size})
    else:
        text = filled(_ANY_TEXT, {"_this": node.this})
    if not length:
        return text
    template = _LEFT if source in _TEXTS else _SHORT_NUMBER
    return filled(template, {"_this": text, "_length": length[0].this})


def _fetch(node: Any) -> None:
    options = node.args.get("limit_options")
    if options is not None and options.args.get("with_ties"):
        raise QueryError(
            "WITH TIES cannot be answered locally.",
            "Take the rows whose rank() OVER (ORDER BY ...) is small enough.",
        )


def _arguments(node: Any) -> dict[str, Any]:
    return {f"_{key}": part for key, part in node.args.items()}


_MAKERS: Final[dict[str, Callable[[Any], Any]]] = {
    "Bracket": _subscript,
    "Cast": _cast,
    "DateDiff": _date_diff,
    "Extract": _extract,
    "Fetch": _fetch,
    "Format": java_format,
    "RegexpReplace": replacement_of_groups,
    "Substring": _substring,
    "TryCast": _cast,
}
