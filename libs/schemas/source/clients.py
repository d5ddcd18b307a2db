"""What OpenLibrary asks of whoever calls it: a name, and somebody to write to.

Where the source is another one, this says what that one asks.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

#: An address or URL: it ends in a host's name, and perhaps a path; brackets would end the comment
#: of the User-Agent.
CONTACT_PATTERN: Final = (
    r"^[!-'*-~]*[A-Za-z0-9]\.[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9](:[0-9]+)?([/?#][!-'*-~]*)?$"
)
LONGEST_CONTACT: Final = 200


def _checked(contact: str) -> str:
    if not re.fullmatch(CONTACT_PATTERN, contact):
        raise ValueError("not an e-mail address or URL, such as you@example.org")
    return contact


Contact = Annotated[str, Field(max_length=LONGEST_CONTACT), AfterValidator(_checked)]


def user_agent(name: str, contact: str | None) -> str:
    """Return the User-Agent in the form that OpenLibrary asks for: ``name/version (contact)``."""
    return f"{name} ({contact})" if contact else name
