"""What OpenLibrary asks of its clients: a name, a contact, and a rate that goes with them."""

from __future__ import annotations

from typing import Final

SOURCE_URL: Final = "https://openlibrary.org"
#: Works a request: the API's bound.
LARGEST_PAGE: Final = 1000
#: The documented policy for clients that name a contact in their User-Agent, and for others.
POLITE_RATE: Final = 3.0
ANONYMOUS_RATE: Final = 1.0


def user_agent(name: str, contact: str | None) -> str:
    """Return the User-Agent in the form that OpenLibrary asks for: ``name/version (contact)``."""
    return f"{name} ({contact})" if contact else name
