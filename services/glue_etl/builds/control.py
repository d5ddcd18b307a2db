"""What an operator says about builds and runs: pin, exclude, and the opposite of both."""

from __future__ import annotations

from glue_etl.builds.exclusions import Exclusions
from glue_etl.builds.publication import Publisher
from glue_etl.settings import LakeArguments
from schemas.ledger.curated_build import ExcludedRun


def apply_controls(arguments: LakeArguments, publisher: Publisher, exclusions: Exclusions) -> None:
    """Do what the arguments say; the lease must be held.

    Raises
    ------
    EtlError
        When a build cannot be published that readers are to be pinned to.
    """
    publisher.lease.require()
    for run in arguments.exclude:
        note = ExcludedRun(run_id=run, reason=arguments.reason, excluded_at=publisher.clock())
        exclusions.add(note)
    for run in arguments.include:
        exclusions.lift(run)
    if arguments.unpin:
        publisher.unpin()
    if arguments.pin:
        publisher.pin(arguments.pin, arguments.reason)
