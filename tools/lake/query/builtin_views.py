"""The views of `analytics` as tables of any query, whether or not they are deployed."""

import base64
import json
from collections.abc import Sequence
from typing import Final

from lake.query.catalogue import CatalogueTable
from lake.query.dialect.statement import DIALECT, Statement, parse

_GLUE_TYPES: Final = {"varchar": "string", "integer": "int"}


def builtin_view(name: str) -> CatalogueTable | None:
    """Return a view as the catalogue would describe it; None if there is no view of that name."""
    from analytics.views.definitions import views

    view = views().get(name)
    if view is None:
        return None
    text = base64.b64encode(json.dumps({"originalSql": view.sql}).encode()).decode()
    columns = [{"Name": c.name, "Type": _GLUE_TYPES.get(c.type, c.type)} for c in view.columns]
    return CatalogueTable(
        name,
        {
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": f"/* Presto View: {text} */",
            "StorageDescriptor": {"Columns": columns},
        },
    )


def builtin_names() -> list[str]:
    """Return the names of the views."""
    from analytics.views.definitions import views

    return list(views())


def referenced_views(statement: Statement) -> list[str]:
    """Return the views that a statement names without a database and does not define itself."""
    named, maybe_own = statement.references()
    known = set(builtin_names())
    return sorted(
        reference.name
        for reference in named - maybe_own
        if not reference.database and reference.name in known
    )


def with_views(statement: Statement, names: Sequence[str]) -> Statement:
    """Return a statement that brings the text of some views with it, as WITH queries."""
    import sqlglot

    from analytics.views.definitions import views

    if not names:
        return statement
    queries = ", ".join(f"{name} AS (\n{views()[name].sql}\n)" for name in names)
    first, *rest = sqlglot.tokenize(statement.sql, dialect=DIALECT)
    if first.token_type.name != "WITH":
        return parse(f"WITH {queries}\n{statement.sql}")
    last = rest[0] if rest[0].token_type.name == "RECURSIVE" else first
    head, tail = statement.sql[: last.end + 1], statement.sql[last.end + 1 :]
    return parse(f"{head} {queries},{tail}")
