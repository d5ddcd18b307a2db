"""No catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.curated_tables import CuratedTable


class NoCatalogue:
    """For readers who follow the record of the current build alone; see the port."""

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        """Do nothing: the record that follows is what readers look at."""

    def locations(self) -> Mapping[str, str]:
        """Return no locations."""
        return {}
