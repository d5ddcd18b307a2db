"""What DuckDB, or the parser of its dialect, takes and Athena refuses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from lake.errors import QueryError
from lake.query.dialect.function_names import FUNCTIONS
from lake.query.dialect.statement import DIALECT, Statement

#: Words before a bracket that are not functions.
_WORDS: Final = frozenset(
    "cast group rollup cube sets system bernoulli unnest exclude".split()
    + "both leading trailing to zone".split()
)


def require_athena(statement: Statement) -> None:
    """Check the words and the nodes of a statement.

    Raises
    ------
    QueryError
        Athena would refuse one; the hint says what to write instead.
    """
    _check_tokens(statement)
    for node in statement.tree.walk():
        check = _CHECKS.get(type(node).__name__)
        if check is not None:
            check(node)


def require_own_columns(qualified: Any, tables: Mapping[str, Iterable[str]]) -> None:
    """Check that a SELECT uses none of its aliases in its list, WHERE, GROUP BY or HAVING.

    Parameters
    ----------
    qualified
        The statement with a table at each column of which it is known.
    tables
        The columns of the tables by their names.

    Raises
    ------
    QueryError
        An alias of the select list is used where Athena knows columns only.
    """
    from sqlglot import exp

    known = {name.lower(): list(columns) for name, columns in tables.items()}
    for cte in qualified.find_all(exp.CTE):
        known[cte.alias.lower()] = cte.alias_column_names or cte.this.named_selects
    for select in qualified.find_all(exp.Select):
        names = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
        columns = _source_columns(select, known)
        if columns is None:
            continue
        for column in _own_columns(select):
            name = column.name.lower()
            # A column that no table has stands in the list under its own name, too.
            if not column.table and name in names - columns and column.parent.alias != column.name:
                raise QueryError(
                    f"{column.name} is an alias: Athena does not know it in the select list, WHERE,"
                    " GROUP BY or HAVING.",
                    "Repeat the expression, or name it in a subquery: FROM (SELECT ... AS"
                    f" {column.name} ...).",
                )


def _source_columns(select: Any, known: Mapping[str, list[str]]) -> set[str] | None:
    """Return the columns that a SELECT reads from; None if they are not all known."""
    from sqlglot import exp

    begin = select.args.get("from_")
    sources = [begin.this] if begin is not None else []
    sources += [join.this for join in select.args.get("joins") or []]
    if select.args.get("laterals"):
        return None
    found: set[str] = set()
    for source in sources:
        columns = source.alias_column_names
        if not columns and isinstance(source, exp.Table):
            columns = known.get(source.name.lower(), [])
        elif not columns and isinstance(source, exp.Subquery):
            columns = source.this.named_selects
        if not columns or "*" in columns:
            return None
        found |= {column.lower() for column in columns}
    return found


def _own_columns(select: Any) -> Iterator[Any]:
    from sqlglot import exp

    parts = [*select.expressions, *map(select.args.get, ("where", "group", "having"))]
    for part in parts:
        for column in part.find_all(exp.Column) if part is not None else ():
            if column.find_ancestor(exp.Select) is select:
                yield column


def _check_tokens(statement: Statement) -> None:
    import sqlglot
    from sqlglot import exp

    own = {alias.name.lower() for alias in statement.tree.find_all(exp.TableAlias)}
    known = own | FUNCTIONS | _WORDS
    before = "("
    tokens = sqlglot.tokenize(statement.sql, dialect=DIALECT)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        kind, name = token.token_type.name, token.text.lower()
        after = following.token_type.name if following is not None else ""
        if kind == "DCOLON":
            raise QueryError("Athena has no '::'.", "Write CAST(... AS ...).")
        if kind == "FROM" and before == "(":
            raise QueryError("A query begins with SELECT.", "Write SELECT * FROM ...")
        if kind == "L_BRACKET" and before in ("(", ",", "SELECT"):
            raise QueryError("An array begins with its name.", "Write ARRAY[...].")
        if kind == "OFFSET" and before == "LIMIT n":
            raise QueryError("OFFSET comes before LIMIT.", "Write OFFSET ... LIMIT ...")
        if kind in ("VAR", "LEFT", "RIGHT") and after == "L_PAREN" and name not in known:
            raise QueryError(
                f"Athena, or DuckDB, which answers locally, has no function {name}.",
                "Athena's functions are those of Trino.",
            )
        word = "" if kind in ("STRING", "IDENTIFIER") else token.text.upper()
        before = "LIMIT n" if before == "LIMIT" else word


def _refuse(what: str, instead: str) -> Callable[[Any], None]:
    def refuse(_node: Any) -> None:
        raise QueryError(f"Athena has no {what}.", f"Write {instead}.")

    return refuse


def _refuse_if(given: Callable[[Any], Any], what: str, instead: str) -> Callable[[Any], None]:
    refuse = _refuse(what, instead)
    return lambda node: refuse(node) if given(node) else None


def _is_limit_other(limit: Any) -> bool:
    from sqlglot import exp

    options = limit.args.get("limit_options")
    count = limit.expression
    fraction = isinstance(count, exp.Literal) and not count.is_int
    return fraction or bool(options is not None and options.args.get("percent"))


def _check_select(select: Any) -> None:
    from sqlglot import exp

    distinct, order = select.args.get("distinct"), select.args.get("order")
    if distinct is None or order is None or select.is_star:
        return
    items = [item for selected in select.expressions for item in (selected, selected.unalias())]
    names = {item.alias_or_name.lower() for item in items}
    for ordered in order.expressions:
        column = ordered.this
        if isinstance(column, exp.Column) and column.name.lower() not in names:
            raise QueryError(
                f"SELECT DISTINCT cannot be ordered by {column.name}, which it does not select.",
                "Select it, too.",
            )


def _check_table(table: Any) -> None:
    # The parser takes the word for the name of the table before it.
    alias = table.args.get("alias")
    if (
        alias is not None
        and alias.name.upper() in ("POSITIONAL", "ASOF")
        and not (alias.this.args.get("quoted"))
    ):
        _refuse(f"{alias.name.upper()} JOIN", "JOIN ... ON")(table)


_JOIN: Final = "WHERE EXISTS (SELECT ...), or NOT EXISTS"
_CHECKS: Final[dict[str, Callable[[Any], None]]] = {
    "Columns": _refuse("COLUMNS(...)", "the names of the columns"),
    "Count": _refuse_if(
        lambda count: len(getattr(count.this, "expressions", None) or ()) > 1
        and type(count.this).__name__ == "Distinct",
        "count(DISTINCT a, b)",
        "count(DISTINCT ROW(a, b))",
    ),
    "Distinct": _refuse_if(
        lambda distinct: distinct.args.get("on"),
        "DISTINCT ON",
        "row_number() OVER (PARTITION BY ...) and take the first",
    ),
    "Group": _refuse_if(
        lambda group: group.args.get("all"), "GROUP BY ALL", "the names of the columns"
    ),
    "ILike": _refuse("ILIKE", "lower(...) LIKE ..."),
    "Join": _refuse_if(
        lambda join: join.kind in ("ANTI", "SEMI")
        or join.side in ("ANTI", "SEMI")
        or join.method == "ASOF",
        "ANTI, SEMI or ASOF JOIN",
        _JOIN,
    ),
    "Limit": _refuse_if(_is_limit_other, "LIMIT of a share", "a whole number of rows"),
    "PropertyEQ": _refuse("{'a': 1}", "CAST(ROW(1) AS ROW(a integer))"),
    "Select": _check_select,
    "Slice": _refuse("[1:2]", "slice(array, start, length)"),
    "Star": _refuse_if(
        lambda star: any(star.args.get(key) for key in ("except_", "replace", "rename")),
        "* EXCLUDE, REPLACE or RENAME",
        "the names of the columns",
    ),
    "Table": _check_table,
}
