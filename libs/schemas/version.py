"""The version of the data contracts."""

from __future__ import annotations

from typing import Final

#: Stamped on every raw object, row, ledger and quarantine record; bumped when a contract changes.
CONTRACT_VERSION: Final[str] = "2"
