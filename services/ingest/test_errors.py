"""The tree of errors that callers and alarms rely on."""

from __future__ import annotations

from ingest import errors


def all_errors(root: type[errors.IngestError]) -> list[type[errors.IngestError]]:
    return [root, *(one for child in root.__subclasses__() for one in all_errors(child))]


def test_codes_are_stable_and_unique() -> None:
    assert sorted((one.code, one.tag) for one in all_errors(errors.IngestError)) == [
        ("answer_unexpected", "data"),
        ("bad_request", "terminal"),
        ("body_refused", "data"),
        ("configuration", "terminal"),
        ("crawl_stopping", "transient"),
        ("crawl_too_long", "terminal"),
        ("data", "data"),
        ("ingest_error", "terminal"),
        ("lease_lost", "transient"),
        ("rate_limited", "transient"),
        ("source_unavailable", "transient"),
        ("source_unreachable", "transient"),
        ("state_unreadable", "terminal"),
        ("store_unavailable", "transient"),
        ("terminal", "terminal"),
        ("transient", "transient"),
        ("user_agent_refused", "terminal"),
        ("write_conflict", "transient"),
    ]


def test_tree_in_the_docstring_is_the_tree() -> None:
    for error in all_errors(errors.IngestError):
        assert error.__name__ in str(errors.__doc__)
