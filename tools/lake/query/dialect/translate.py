"""Translate Athena's dialect into DuckDB's where sqlglot alone is wrong or does nothing.

The differences that remain are in docs/analysis.md.
"""

from collections.abc import Mapping
from typing import Any

from lake.errors import QueryError
from lake.query.dialect.functions import call, count_from_1, in_duckdb
from lake.query.dialect.refusals import require_athena, require_own_columns
from lake.query.dialect.same_values import days_apart, kind, with_same_value
from lake.query.dialect.statement import DIALECT, Statement
from lake.query.dialect.type_check import require_matching_types

# Stands for the name of an unnamed column until its position in the result is known.
UNNAMED = "_lake_unnamed"

#: What the functions give to which sqlglot gives no type.
_RESULTS = {
    **dict.fromkeys(
        ("Split", "Transform", "ArrayFilter", "ArraySort", "RegexpExtractAll"), "ARRAY"
    ),
    **dict.fromkeys(("SplitPart", "RegexpExtract", "JSONExtractScalar"), "VARCHAR"),
}

Columns = Mapping[str, Mapping[str, str]]


def to_duckdb(statement: Statement, tables: Columns) -> str:
    """Return a statement in DuckDB's dialect, its unnamed columns under `UNNAMED`.

    Parameters
    ----------
    statement
        What to translate.
    tables
        Glue types by column, by table: what some functions mean depends on the types they get.

    Raises
    ------
    QueryError
        DuckDB's dialect cannot express it, or Athena would refuse its types.
    """
    from sqlglot import ErrorLevel
    from sqlglot.errors import SqlglotError

    require_athena(statement)
    try:
        tree = _typed(statement.tree, tables)
        require_matching_types(tree)
        count_from_1(tree)
        # From the inside out: what is rewritten around a node takes the node as it is then.
        for node in reversed(list(tree.walk())):
            _rewrite(node)
        text = tree.sql(dialect="duckdb", comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, ValueError, RecursionError) as error:
        raise QueryError(f"The local AWS cannot run this statement: {error}") from error
    return str(text)


def _typed(tree: Any, tables: Columns) -> Any:
    """Return a copy whose expressions carry their types in `meta`, where they are known.

    The types are inferred on a second copy, which the inference rewrites; numbers join the two.
    """
    from sqlglot import MappingSchema, exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify

    copy = tree.copy()
    numbered = dict(enumerate(copy.find_all(exp.Expression)))
    for number, node in numbered.items():
        node.meta["number"] = number
    schema = MappingSchema(dialect="hive")
    for name, columns in tables.items():
        schema.add_table(exp.to_table(name, quoted=True), dict(columns), dialect="hive")
    try:
        qualified = qualify(
            copy.copy(),
            schema=schema,
            dialect="trino",
            quote_identifiers=False,
            validate_qualify_columns=False,
            expand_alias_refs=False,
        )
        require_own_columns(qualified, tables)
        annotated = annotate_types(qualified, schema=schema, dialect="trino")
    except SqlglotError:
        return copy
    for node in annotated.find_all(exp.Expression):
        if node.type is not None and node.meta.get("number") in numbered:
            numbered[node.meta["number"]].meta["type"] = node.type
    for node in numbered.values():
        if type(node).__name__ in _RESULTS and kind(node) == "UNKNOWN":
            node.meta["type"] = exp.DataType(this=exp.DType[_RESULTS[type(node).__name__]])
    return copy


def _rewrite(node: Any) -> None:
    from sqlglot import exp

    if isinstance(node, exp.Select):
        _name_columns(node)
    elif isinstance(node, exp.Unnest):
        _unnest_rows(node)
    elif isinstance(node, exp.Add | exp.Sub | exp.DateAdd | exp.DateSub):
        _keep_date(node)
    elif isinstance(node, exp.TimestampTrunc | exp.DateTrunc) and kind(node.this) == "DATE":
        _replace(node, exp.cast(node.copy(), exp.DType.DATE))
    elif isinstance(node, exp.ArraySize) and kind(node.this) == "MAP":
        _replace(node, call("cardinality", node.this))
    elif isinstance(node, exp.AtTimeZone):
        # DuckDB would take the time for one of that zone; Athena takes it for UTC.
        raise QueryError("AT TIME ZONE cannot be answered locally; all times of the lake are UTC.")
    else:
        replacement = in_duckdb(node) or with_same_value(node)
        if replacement is not None:
            _replace(node, replacement)


def _replace(node: Any, replacement: Any) -> None:
    """Replace an expression; what is around it still knows its type."""
    replacement.meta["type"] = node.meta.get("type")
    node.replace(replacement)


def _name_columns(select: Any) -> None:
    """Rename each column that Athena would call `_col<position>` to `UNNAMED`."""
    from sqlglot import exp

    columns = []
    for column in select.expressions:
        bare = column.unnest()
        if isinstance(bare, exp.Dot) and not bare.is_star:
            column = exp.alias_(column, bare.name, quoted=True, copy=False)
        elif not isinstance(bare, exp.Alias | exp.Aliases | exp.Column | exp.Dot | exp.Star):
            column = exp.alias_(column, UNNAMED, copy=False)
        columns.append(column)
    select.set("expressions", columns)


def _unnest_rows(unnest: Any) -> None:
    """Make one column of each field, as Athena does with an array of rows and with a map."""
    from sqlglot import exp

    alias = unnest.args.get("alias")
    position = unnest.args.get("offset")
    named = len(alias.columns) if alias is not None else 0
    widths = [_width(array, named) for array in unnest.expressions]
    if all(width is None for width in widths):
        return
    if len(widths) > 1:
        raise QueryError("The local AWS cannot unnest rows together with another array.")
    if named not in (0, widths[0]):
        fields = _fields(unnest.expressions[0])
        raise QueryError(
            f"{unnest.sql(dialect=DIALECT)}: {named} columns are named, but there are {widths[0]}:"
            f" {', '.join(fields)}.",
            "Name each, or none: UNNEST(...) AS t, and then t.field.",
        )
    rows = _rows(unnest.expressions[0], with_position=bool(position))
    if alias is not None:
        alias = alias.copy()
        if isinstance(position, exp.Identifier):
            alias.append("columns", position.copy())
        rows.set("alias", alias)
    unnest.replace(rows)


def _rows(array: Any, *, with_position: bool) -> Any:
    """Return a subquery with a column for each field and, on request, the position from 1."""
    from sqlglot import exp

    if kind(array) == "MAP":
        array = call("map_entries", array)
    elements = exp.select(call("unnest", array).as_("_row"))
    fields = exp.select(call("unnest", exp.column("_row")))
    if with_position:
        elements = elements.select(call("generate_subscripts", array, 1).as_("_position"))
        fields = fields.select(exp.column("_position").as_("ordinality"))
    return fields.from_(elements.subquery("_elements"), copy=False).subquery(copy=False)


def _width(array: Any, named: int) -> int | None:
    """Return how many columns Athena makes of an array of rows or a map; None for other arrays."""
    found = array.meta.get("type")
    if kind(array) == "MAP":
        return 2
    if kind(array) == "ARRAY" and found.expressions:
        row = found.expressions[0]
        return len(row.expressions) if row.this.name == "STRUCT" else None
    # Without a type, the number of names decides.
    return named if named > 1 else None


def _fields(array: Any) -> list[str]:
    if kind(array) == "MAP":
        return ["key", "value"]
    return [field.name for field in array.meta["type"].expressions[0].expressions]


def _keep_date(node: Any) -> None:
    """Keep a date a date, where DuckDB makes a timestamp of it, and dates an interval apart."""
    from sqlglot import exp

    interval = isinstance(node.expression, exp.Interval) or isinstance(
        node, exp.DateAdd | exp.DateSub
    )
    if interval and kind(node.this) == "DATE":
        _replace(node, exp.cast(exp.paren(node.copy()), exp.DType.DATE))
    elif isinstance(node, exp.Sub) and kind(node.this) == kind(node.expression) == "DATE":
        node.replace(days_apart(node))
