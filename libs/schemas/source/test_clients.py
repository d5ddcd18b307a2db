"""Whom the source may write to, and how it is told."""

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.source.clients import LONGEST_CONTACT, Contact, user_agent

CONTACT: TypeAdapter[str] = TypeAdapter(Contact)


@pytest.mark.parametrize("contact", ["a@example.org", "https://example.org:8443/lake?a=b#us"])
def test_an_address_or_url_is_a_contact(contact: str) -> None:
    assert CONTACT.validate_python(contact) == contact


@pytest.mark.parametrize(
    "contact",
    [
        "@",
        "a:b",
        "me@localhost",
        "a@b.org)",
        "a@b.org\n",
        "a@b.org\r\nX-Evil: 1",
        f"{'a' * LONGEST_CONTACT}@example.org",
    ],
)
def test_anything_else_is_none(contact: str) -> None:
    with pytest.raises(ValidationError):
        CONTACT.validate_python(contact)


def test_the_user_agent_names_the_client_and_whom_to_write_to() -> None:
    assert user_agent("openlake-dev-ingest/0.2.0", "a@b.org") == (
        "openlake-dev-ingest/0.2.0 (a@b.org)"
    )
    assert user_agent("openlake-dev-ingest/0.2.0", None) == "openlake-dev-ingest/0.2.0"
