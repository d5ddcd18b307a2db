"""A session of the local AWS whose state is not saved, noted beside it until it is."""

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

#: The server's log, in the folder of its supervisor.
LOG: Final = "ministack.log"
_FILE: Final = "session.json"


@dataclass(frozen=True)
class Unsaved:
    """What is known of a session that is not saved.

    Attributes
    ----------
    began
        When it began, ISO 8601 in UTC.
    problem
        Why it was not saved; empty if nobody was left to say so.
    """

    began: str
    problem: str = ""

    @property
    def moment(self) -> str:
        """When it began, in the time zone of this machine."""
        return f"{datetime.fromisoformat(self.began).astimezone():%Y-%m-%d %H:%M}"


class Session:
    """The session of a folder's server."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE

    def unsaved(self) -> Unsaved | None:
        """Return the session that is going on, or that ended without being saved."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Unsaved(**json.loads(self._file.read_text()))
        return None

    def begin(self) -> None:
        """Note that one begins."""
        self._write(Unsaved(datetime.now(UTC).isoformat()))

    def note_problem(self, problem: str) -> None:
        """Note why it could not be saved."""
        found = self.unsaved()
        self._write(Unsaved(found.began if found else datetime.now(UTC).isoformat(), problem))

    def close(self) -> None:
        """Note that nothing of it is unsaved."""
        self._file.unlink(missing_ok=True)

    def _write(self, session: Unsaved) -> None:
        self._file.write_text(json.dumps(asdict(session)))
