"""The claims that are looked at; each is a row of docs/aws-claims.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lake.errors import LakeError

# ClaimResult here; shown to be wrong; or not to be seen in this place.
Outcome = Literal["shown", "failed", "unavailable"]


class ClaimFailedError(LakeError):
    """A claim does not hold."""


class UnavailableError(LakeError):
    """A claim cannot be shown in this place."""


@dataclass(frozen=True)
class ClaimResult:
    """What came of a claim.

    Attributes
    ----------
    claim
        Its id in docs/aws-claims.md.
    outcome
        Whether it was shown.
    detail
        What was seen, or why it could not be.
    """

    claim: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class Claim:
    """A claim, and how it is shown: `show` returns what was seen, or raises."""

    id: str
    show: Callable[[], str]


def try_claim(claim: Claim) -> ClaimResult:
    """Show a claim; whatever goes wrong is its outcome, so that the others are shown, too."""
    try:
        return ClaimResult(claim.id, "shown", claim.show())
    except UnavailableError as error:
        return ClaimResult(claim.id, "unavailable", error.message)
    except Exception as error:
        return ClaimResult(claim.id, "failed", f"{type(error).__name__}: {error}")


def holds(results: Sequence[ClaimResult]) -> bool:
    """Return whether no claim failed."""
    return all(result.outcome != "failed" for result in results)
