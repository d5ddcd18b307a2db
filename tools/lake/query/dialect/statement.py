"""Statements that the lake accepts: one query, in Athena's dialect.

AWS and the local AWS accept the same statements.
"""

import logging
import re
from dataclasses import dataclass
from typing import Any

from lake.errors import QueryError

DIALECT = "athena"
# Functions of the local engine that Athena lacks and that expose the machine or the engine.
_ENGINE_FUNCTION = re.compile(
    r"(read|write|duckdb|pragma|pg|parquet|sniff|query|sql_auto)_.*"
    r"|current_setting|getenv|getvariable|glob|query|nextval|currval"
)
_HINT = "Write one SELECT (WITH, UNION and VALUES are fine) over the lake's tables."


@dataclass(frozen=True)
class TableReference:
    """A table that a statement names; `catalog` and `database` are empty where it names none."""

    catalog: str
    database: str
    name: str

    def __str__(self) -> str:
        return ".".join(part for part in (self.catalog, self.database, self.name) if part)


@dataclass(frozen=True)
class Statement:
    """A statement that is known to be one query.

    Attributes
    ----------
    sql
        As it was written.
    tree
        As sqlglot parsed it.
    """

    sql: str
    tree: Any

    @property
    def is_values(self) -> bool:
        """Whether it is a bare VALUES."""
        from sqlglot import exp

        return isinstance(self.tree, exp.Values)

    @property
    def has_limit(self) -> bool:
        """Whether it limits its rows by itself."""
        return bool(self.tree.args.get("limit") or self.tree.args.get("fetch"))

    def limited(self, rows: int) -> "Statement":
        """Return the statement with a limit on its rows, unless it has its own or is VALUES."""
        if self.has_limit or self.is_values:
            return self
        return parse(f"{_without_end(self.sql)}\nLIMIT {rows}")

    def references(self) -> tuple[set[TableReference], set[TableReference]]:
        """Return the tables that it names, and the subset that may be its own WITH names."""
        from sqlglot import exp

        own = {cte.alias.lower() for cte in self.tree.find_all(exp.CTE)}
        found = {
            TableReference(table.catalog.lower(), table.db.lower(), table.name.lower())
            for table in self.tree.find_all(exp.Table)
        }
        return found, {table for table in found if not table.database and table.name in own}


def parse(sql: str) -> Statement:
    """Return the statement, checked to be exactly one query that reads only tables.

    Raises
    ------
    QueryError
        It is anything else; the message says what and, for a syntax error, where.
    """
    from sqlglot import exp

    found = _trees(sql)
    # A comment behind a semicolon comes as one of these.
    trees = [tree for tree in found if not isinstance(tree, exp.Semicolon)]
    if not trees:
        raise QueryError("The statement is empty.", _HINT)
    if len(trees) > 1:
        raise QueryError(f"There are {len(trees)} statements; give one.", _HINT)
    try:
        _check(trees[0], sql)
    except RecursionError as error:
        raise QueryError("The statement is nested too deeply.") from error
    # Athena takes one statement, and nothing after its semicolon.
    return Statement(sql.strip() if trees == found else _without_end(sql), trees[0])


def _trees(sql: str) -> list[Any]:
    import sqlglot
    from sqlglot.errors import ParseError, SqlglotError

    # It warns of statements that it does not support; they are refused below, more clearly.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        sql.encode()
        return [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]
    except ParseError as error:
        raise QueryError(_syntax_error(error.errors), _HINT) from error
    except (SqlglotError, UnicodeError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, IndexError) or "index out of range" in str(cause):
            raise QueryError("A comment is not closed: after /* comes no */.") from error
        raise QueryError(f"The statement cannot be read: {str(cause).splitlines()[0]}") from error
    except RecursionError as error:
        raise QueryError("The statement is nested too deeply.") from error


def _without_end(sql: str) -> str:
    """Return a statement up to its last word, without semicolons and comments after it."""
    import sqlglot

    tokens = sqlglot.tokenize(sql, dialect=DIALECT)
    last = max(token.end for token in tokens if token.token_type != sqlglot.TokenType.SEMICOLON)
    return sql[: last + 1].lstrip()


def _syntax_error(errors: list[dict[str, Any]]) -> str:
    if not errors:
        return "The statement has a syntax error."
    first = errors[0]
    # Cut off sqlglot's description of a token.
    description = str(first["description"]).split(" but got <")[0].split(" <")[0]
    near = str(first["highlight"])
    # sqlglot's column is that of the last character.
    place = f"line {first['line']}, column {max(1, first['col'] - len(near) + 1)}"
    return f"Syntax error at {place}, near {near!r}: {description}."


def _check(tree: Any, sql: str) -> None:
    from sqlglot import exp

    if not isinstance(tree, exp.Query | exp.Values):
        word = re.search(r"\w+", sql)
        what = word.group().upper() if word else "This"
        raise QueryError(f"{what} is not a query; the lake is only read here.", _HINT)
    for node in tree.walk():
        if isinstance(node, exp.DDL | exp.DML | exp.Command | exp.Into):
            raise QueryError(f"A query cannot contain {type(node).__name__.upper()}.", _HINT)
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
            raise QueryError(f"A table function cannot be queried: {_short(node)}.", _HINT)
        if isinstance(node, exp.Lateral) and not isinstance(node.this, exp.Subquery | exp.Unnest):
            raise QueryError(f"A table function cannot be queried: {_short(node)}.", _HINT)
        if isinstance(node, exp.Func) and _ENGINE_FUNCTION.fullmatch(_function(node)):
            raise QueryError(f"There is no function {_function(node)}.", _HINT)


def _function(node: Any) -> str:
    name = node.name if type(node).__name__ == "Anonymous" else node.sql_name()
    return str(name).lower()


def _short(node: Any) -> str:
    text = str(node.sql(dialect=DIALECT))
    return text if len(text) <= 60 else text[:59] + "…"
