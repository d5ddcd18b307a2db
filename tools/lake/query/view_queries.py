"""The views by name.

A view's own text is run, so it needs no stack `analytics`, and its rows keep their order.
"""

from lake.errors import QueryError
from lake.suggestions import did_you_mean

LONGEST_NAME_SHOWN = 60


def wanted_query(sql: str | None, view: str | None) -> str:
    """Return the query that a user asked for: a statement, or a view by its name.

    Raises
    ------
    QueryError
        Neither or both were given, or there is no such view.
    """
    from analytics.views.definitions import views

    if (sql is None) == (view is None):
        raise QueryError(
            "Give one query: a SELECT, or a view by its name.",
            'Such as "SELECT count(*) FROM works", or --view lake_summary.',
        )
    if view is None:
        return str(sql)
    # Looked up and never written into SQL: an unknown name reaches no engine.
    if view not in views():
        raise QueryError(
            f"There is no view {_shown(view)}.",
            f"{did_you_mean(view, views())}The views are: {', '.join(views())}.",
        )
    return views()[view].sql


def described_views() -> list[str]:
    """Return a line for each view: its name, and what a row of it is."""
    from analytics.views.definitions import views

    width = max(map(len, views()))
    return [f"{view.name:<{width}}  {view.description}" for view in views().values()]


def _shown(name: str) -> str:
    # ascii: a terminal obeys control characters, and may not know all others.
    text = ascii(name)
    return text if len(text) <= LONGEST_NAME_SHOWN else text[: LONGEST_NAME_SHOWN - 1] + "…"
