"""Where OpenLibrary is, and how fast it lets its clients ask."""

from __future__ import annotations

from typing import Final

SOURCE_URL: Final = "https://openlibrary.org"
#: The documented policy for clients that name a contact in their User-Agent, and for others.
POLITE_RATE: Final = 3.0
ANONYMOUS_RATE: Final = 1.0
