"""What is said of the saved state as the local AWS starts and stops."""

from typing import TYPE_CHECKING

from lake.errors import LocalAwsError
from lake.local.state.snapshots import Snapshot

if TYPE_CHECKING:
    from lake.local.local_aws import LocalAws


def notes_on_start(local: "LocalAws") -> list[str]:
    """Return what is to be said of a start: what the lake goes on with, and what is lost.

    Raises
    ------
    LocalAwsStartError
        What is saved is damaged.
    """
    notes = []
    saved, lost = local.saved(), local.unsaved()
    if lost is not None:
        why = lost.problem or "it was killed"
        notes.append(f"The session that began at {lost.moment} is lost with what it did: {why}.")
    if saved is not None:
        notes.append(f"It goes on with the lake saved at {saved.moment} ({size_in_words(saved)}).")
    return notes


def notes_on_stop(local: "LocalAws", *, stopped: bool) -> list[str]:
    """Return what is to be said after a stop: where the lake is, and how large.

    Raises
    ------
    LocalAwsError
        The session that has just ended could not be saved.
    """
    saved, lost = local.saved(), local.unsaved()
    kept = "Nothing is saved."
    if saved is not None:
        kept = (
            f"The lake, {size_in_words(saved)}, is in {local.snapshots.folder}: './lake up' goes on"
            " with it, './lake down --wipe' deletes it."
        )
    if lost is not None and stopped:
        since = f"the lake is as of {saved.moment}" if saved else "nothing is saved"
        raise LocalAwsError(
            f"The session that began at {lost.moment} could not be saved: {lost.problem}; {since}.",
            f"The server's log is {local.log}.",
        )
    return [kept]


def size_in_words(saved: Snapshot) -> str:
    """Return the size of a snapshot in megabytes."""
    return f"{saved.bytes / 1e6:,.0f} MB"
