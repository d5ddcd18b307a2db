"""Read logs: of CloudWatch, and of the jobs that ran on this machine."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from lake.aws import Cloud
from lake.errors import LogsError, NotDeployedError
from lake.operations.logs.records import SHOWN_AS_ERRORS, LogLine
from lake.suggestions import did_you_mean

#: The log group of each service, as an SSM parameter.
GROUPS: Mapping[str, str] = {
    "ingest": "ingest/log-group",
    "process": "process/log-group",
    "glue_etl": "glue_etl/output-log-group",
}
POLL_SECONDS = 2.0
# CloudWatch shows a line some seconds after it was written.
LOOK_BACK_MS = 60_000
# Longer than any log is kept by far, and no date before the calendar's begin.
LONGEST_AGE = timedelta(days=3653)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Wanted:
    """Which lines are shown.

    Attributes
    ----------
    services
        Whose.
    since
        From when on, in milliseconds since 1970.
    run_id
        Only lines about this run.
    errors
        Only warnings and errors.
    """

    services: Sequence[str]
    since: int
    run_id: str | None = None
    errors: bool = False

    def has(self, line: LogLine) -> bool:
        """Return whether a line is shown."""
        if line.is_noise or not line.is_of(self.run_id):
            return False
        return not self.errors or line.level in SHOWN_AS_ERRORS


def chosen_services(name: str | None) -> list[str]:
    """Return the services whose logs are read: the named one, or all.

    Raises
    ------
    LogsError
        There is no such service.
    """
    if name is None:
        return list(GROUPS)
    if name not in GROUPS:
        raise LogsError(
            f"There is no service {name!r} with a log.",
            f"{did_you_mean(name, GROUPS)}The services are {', '.join(GROUPS)}.",
        )
    return [name]


def parse_age(text: str) -> timedelta:
    """Read an age such as 30m, 2h or 1d.

    Raises
    ------
    LogsError
        The text is not an age, or the age is more than ten years.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    age = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if age is None or age > LONGEST_AGE:
        raise LogsError(f"{text!r} is not an age.", "Write 90s, 30m, 2h or 7d.")
    return age


@dataclass
class LogReader:
    """Reads the logs of an environment; what was read once is not read again.

    Attributes
    ----------
    jobs
        Folder in which the jobs of this machine log; None on AWS.
    """

    cloud: Cloud
    jobs: Path | None = None
    _seen: dict[tuple[str, int, str], int] = field(default_factory=dict)
    _read_to: dict[Path, int] = field(default_factory=dict)

    def lines(self, wanted: Wanted) -> list[LogLine]:
        """Return the lines that were not returned before, in order."""
        found = (line for name in wanted.services for line in self._fresh(name, wanted.since))
        return sorted(filter(wanted.has, found), key=lambda line: line.moment)

    def follow(
        self, wanted: Wanted, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[LogLine]:
        """Yield lines as they come, without an end."""
        since = wanted.since
        while True:
            current = Wanted(wanted.services, since, wanted.run_id, wanted.errors)
            yield from self.lines(current)
            newest = max(self._seen.values(), default=since)
            since = max(since, newest - LOOK_BACK_MS)
            self._seen = {name: at for name, at in self._seen.items() if at >= since}
            sleep(POLL_SECONDS)

    def _fresh(self, service: str, since: int) -> Iterator[LogLine]:
        if service == "glue_etl" and self.jobs is not None:
            yield from self._job_lines(self.jobs, since)
            return
        for line in self._read(service, since):
            name = (line.service, line.moment, line.text)
            if name not in self._seen:
                self._seen[name] = line.moment
                yield line

    def _read(self, service: str, since: int) -> Iterator[LogLine]:
        try:
            group = self.cloud.parameter(GROUPS[service])
        except NotDeployedError:
            return
        logs = self.cloud.client("logs")
        pages = logs.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=group, startTime=since):
                for event in page["events"]:
                    for text in _texts(event["message"]):
                        yield LogLine(service, int(event["timestamp"]), text)
        except logs.exceptions.ResourceNotFoundException:
            # Glue makes its group when a job first writes.
            return

    def _job_lines(self, folder: Path, since: int) -> Iterator[LogLine]:
        for path in sorted(folder.glob("*.log")):
            # What Spark prints has no date; the file is of one job run.
            moment = int(path.stat().st_mtime * 1000)
            if moment >= since:
                for text in self._appended(path).decode("utf-8", "replace").splitlines():
                    yield LogLine("glue_etl", moment, f"{path.stem}: {text}")

    def _appended(self, path: Path) -> bytes:
        """Return what was written since the file was read last; all of it of another job's."""
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = self._read_to.get(path, 0)
            file.seek(begin if begin <= size else 0)
            found = file.read()
            self._read_to[path] = file.tell()
        return found


def _texts(message: str) -> list[str]:
    """Return the lines of an event; a JSON object is one."""
    text = message.rstrip("\n")
    return [text] if text.startswith("{") else text.splitlines() or [text]
