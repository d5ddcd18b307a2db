"""Two catalogues that show the same builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glue_etl.ports import Catalogue
from schemas.curated_tables import CuratedTable


@dataclass(frozen=True, slots=True)
class TwoCatalogues:
    """Catalogues that are switched together; see the port.

    Attributes
    ----------
    first, second
        A table that the first one cannot switch stays as it is in the second.
    """

    first: Catalogue
    second: Catalogue

    def switch(self, table: CuratedTable, location: str, token: int) -> None:
        """Switch a table in both; see the port."""
        self.first.switch(table, location, token)
        self.second.switch(table, location, token)

    def locations(self) -> Mapping[str, str]:
        """Return the locations on which both agree; see the port.

        Of a table on which they do not agree, which is to be switched in both wherever it is to be,
        both locations are there, by other names: readers are in them.
        """
        first, second = self.first.locations(), self.second.locations()
        agreed = {name: uri for name, uri in first.items() if second.get(name) == uri}
        others = [
            {f"{name}@{place}": uri for name, uri in found.items() if name not in agreed}
            for place, found in enumerate((first, second), 1)
        ]
        return agreed | others[0] | others[1]
