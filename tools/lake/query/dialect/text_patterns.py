"""Patterns of texts in Java's words, as DuckDB takes them."""

import re
from typing import Any, Final

from lake.errors import QueryError
from lake.query.dialect.functions import call

#: A directive of Java's format, as far as DuckDB's printf has it.
_DIRECTIVE: Final = re.compile(r"%(?:%|[-+0, ]*\d*(?:\.\d+)?(?P<kind>[dsfxXeo]))")
_GROUP: Final = re.compile(r"\\(.)|\$(\d)(?!\d)|(\\$|\$)|(\\)", re.DOTALL)


def replacement_of_groups(node: Any) -> Any:
    """Return regexp_replace with its groups as DuckDB writes them.

    Raises
    ------
    QueryError
        The replacement is not a text in quotes, or has other groups than $1 to $9.
    """
    from sqlglot import exp

    replacement = node.args["replacement"]
    if not (isinstance(replacement, exp.Literal) and replacement.is_string):
        raise QueryError(
            "regexp_replace cannot be answered locally with a replacement that is not a text in"
            " quotes."
        )
    found = node.copy()
    found.set("replacement", exp.Literal.string(_GROUP.sub(_group, replacement.name)))
    return found


def _group(found: re.Match[str]) -> str:
    escaped, number, wrong, _last = found.groups()
    if wrong or (escaped is None and number is None):
        raise QueryError(
            "This replacement of regexp_replace cannot be answered locally.",
            r"It takes texts, groups from $1 to $9, \$ and \\.",
        )
    if number is not None:
        return f"\\{number}"
    return "\\\\" if escaped == "\\" else str(escaped)


def java_format(node: Any) -> Any:
    """Return a format of Java's as DuckDB's printf.

    Raises
    ------
    QueryError
        The format is not a text in quotes, or has what printf lacks.
    """
    from sqlglot import exp

    pattern = node.this
    rest = _DIRECTIVE.sub("", pattern.name)
    kinds = [found["kind"] for found in _DIRECTIVE.finditer(pattern.name) if found["kind"]]
    if not (isinstance(pattern, exp.Literal) and pattern.is_string) or "%" in rest:
        raise QueryError(
            "This format cannot be answered locally.",
            "It takes a text in quotes with %d, %s, %f, %x, %e, %o and %%, and their widths.",
        )
    if len(kinds) > len(node.expressions):
        raise QueryError(
            f"format: {len(kinds)} values are asked for, {len(node.expressions)} given."
        )
    values = [
        (
            exp.func(
                "coalesce", exp.cast(value.copy(), exp.DType.VARCHAR), exp.Literal.string("null")
            )
            if of == "s"
            else value
        )
        for of, value in zip(kinds, node.expressions, strict=False)
    ]
    return call("printf", pattern, *values)
