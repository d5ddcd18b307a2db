"""What the models of all ledgers share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


def by_name[V](mapping: dict[str, V]) -> dict[str, V]:
    """Order a mapping, so that equal ledgers have equal bytes."""
    return dict(sorted(mapping.items()))


class LedgerModel(BaseModel):
    """A ledger: a reader of one version meets ledgers of the next, and passes over what is new."""

    # Built when first used: most invocations end before they need a ledger.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
