"""What Athena refuses for its types and DuckDB would convert: year = '1999', for example.

Only what is certain is refused: an expression whose type is not known passes.
"""

from collections.abc import Iterable
from typing import Any

from lake.errors import QueryError
from lake.query.dialect.statement import DIALECT

_HINT = "Athena converts no types here: write a value of the same type, or CAST one of them."


def require_matching_types(tree: Any) -> None:
    """Check the expressions of a statement that carry their types in `meta`.

    Raises
    ------
    QueryError
        Athena would refuse the types of an expression.
    """
    for node in tree.walk():
        _check(node)


def _check(node: Any) -> None:
    from sqlglot import exp

    if isinstance(node, exp.If) and not (isinstance(node.parent, exp.Case) and node.parent.this):
        _refuse(node, [node.this], {"text", "number", "time"})
    if isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Is):
        _require_one_family(node, [node.this, node.expression])
    elif isinstance(node, exp.Between):
        _require_one_family(node, [node.this, node.args["low"], node.args["high"]])
    elif isinstance(node, exp.In):
        _require_one_family(
            node, [node.this, *node.expressions, *_selected(node.args.get("query"))]
        )
    elif isinstance(node, exp.Coalesce):
        _require_one_family(node, [node.this, *node.expressions])
    elif isinstance(node, exp.Case | exp.If) and not isinstance(node.parent, exp.Case):
        _require_one_family(node, _branches(node))
    elif isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        _refuse(node, [node.this, node.expression], {"text", "boolean"})
        if isinstance(node, exp.Add | exp.Sub) and "time" in map(_family, node.iter_expressions()):
            _refuse(node, [node.this, node.expression], {"number"})
    elif isinstance(node, exp.Greatest | exp.Least):
        _require_one_family(node, [node.this, *node.expressions])
    elif isinstance(node, exp.Concat):
        _refuse(node, node.expressions, {"number", "time", "boolean"})
    elif isinstance(node, exp.DateAdd):
        _refuse(node, [node.this], {"text", "number", "boolean"})
    elif isinstance(node, exp.DateDiff):
        _refuse(node, [node.this, node.expression], {"text", "number", "boolean"})
    elif isinstance(node, exp.Sum | exp.Avg):
        _refuse(node, [node.this], {"text", "boolean"})
    elif isinstance(node, exp.Where | exp.Having | exp.Not | exp.And | exp.Or):
        _refuse(node, [node.this, node.args.get("expression")], {"text", "number", "time"})
    elif isinstance(node, exp.DPipe):
        _refuse(node, [node.this, node.expression], {"number", "time", "boolean"})
    elif isinstance(node, exp.SetOperation):
        for left, right in zip(_selected(node.left), _selected(node.right), strict=False):
            _require_one_family(node, [left, right])
    elif isinstance(node, exp.Literal) and node.is_int:
        _require_64_bits(node)


def _require_one_family(node: Any, parts: Iterable[Any]) -> None:
    found = {family: part for part in parts if (family := _family(part))}
    if len(found) > 1:
        types = " and ".join(sorted(_type(part) for part in found.values()))
        raise QueryError(f"{_short(node)}: the types differ, {types}.", _HINT)


def _refuse(node: Any, parts: Iterable[Any], families: set[str]) -> None:
    for part in parts:
        if _family(part) in families:
            raise QueryError(f"{_short(node)}: not possible with {_type(part)}.", _HINT)


def _require_64_bits(number: Any) -> None:
    from sqlglot import exp

    if int(number.name) >= 2**63 + isinstance(number.parent, exp.Neg):
        raise QueryError(f"{number.name} is beyond 64 bits.", f"Write DECIMAL '{number.name}'.")


def _branches(node: Any) -> list[Any]:
    from sqlglot import exp

    if isinstance(node, exp.If):
        return [node.args["true"], node.args.get("false")]
    return [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]


def _selected(query: Any) -> list[Any]:
    from sqlglot import exp

    query = query.unnest() if isinstance(query, exp.Subquery) else query
    return list(query.expressions) if isinstance(query, exp.Select) else []


def _family(node: Any) -> str | None:
    """Return what a value can be compared with; None if that is not known."""
    from sqlglot import exp

    if node is None or isinstance(node, exp.Interval | exp.All | exp.Any):
        return None
    found = node.unalias().unnest().meta.get("type")
    if found is None:
        return None
    families = {
        "text": exp.DataType.TEXT_TYPES,
        "number": exp.DataType.NUMERIC_TYPES,
        "boolean": {exp.DType.BOOLEAN},
        "time": {exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ},
    }
    return next((name for name, types in families.items() if found.this in types), None)


def _type(node: Any) -> str:
    return str(node.unalias().unnest().meta["type"].sql(dialect=DIALECT)).lower()


def _short(node: Any) -> str:
    text = str(node.sql(dialect=DIALECT))
    return text if len(text) <= 80 else text[:79] + "…"
