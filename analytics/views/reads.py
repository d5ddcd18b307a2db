"""Which tables a view reads."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from analytics.views.definitions import View


def tables_read(view: View) -> set[str]:
    """Return the names of the tables in a view's query, without those of its own WITH clauses."""
    tree = sqlglot.parse_one(view.sql, dialect="athena")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table)} - own
