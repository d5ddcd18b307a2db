"""Log lines: where they come from, what they say, and which are worth showing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lake.times import utc_text

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SHOWN_AS_ERRORS = ("WARNING", "ERROR", "CRITICAL")
# What every line of a service has, or what is shown by itself.
_LEFT_OUT = {
    "app",
    "cold_start",
    "env",
    "exception_name",
    "level",
    "location",
    "message",
    "sampling_rate",
    "service",
    "stack_trace",
    "timestamp",
    "xray_trace_id",
}
_RUNTIME_NOTES = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
_RUNTIME_ERRORS = ("[ERROR]", "Traceback", "Error:", "Task timed out")


@dataclass(frozen=True)
class LogLine:
    """One line of a log.

    Attributes
    ----------
    moment
        Milliseconds since 1970.
    text
        As it was written.
    """

    service: str
    moment: int
    text: str

    @property
    def record(self) -> Mapping[str, Any]:
        """Its JSON object; empty for plain text."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def level(self) -> str:
        """Its level; of what the runtime writes, ERROR where that reports a failure."""
        record = self.record
        if str(record.get("type", "")).startswith("platform."):
            status = record.get("record", {}).get("status", "success")
            return "INFO" if status == "success" else "ERROR"
        if record:
            level = str(record.get("level", "INFO")).upper()
            return level if level in LEVELS else "INFO"
        return "ERROR" if any(mark in self.text for mark in _RUNTIME_ERRORS) else "INFO"

    @property
    def is_noise(self) -> bool:
        """Whether it says only that an invocation began or ended, or holds metrics alone."""
        record = self.record
        if "_aws" in record or not self.text.strip():
            return True
        if str(record.get("type", "")).startswith("platform."):
            return self.level == "INFO"
        return self.text.startswith(_RUNTIME_NOTES)

    def is_of(self, run_id: str | None) -> bool:
        """Return whether it is about a run; any is about None."""
        return run_id is None or run_id in self.text

    def formatted(self) -> str:
        """Return it on a line: time (UTC), service, level, message, and the other fields."""
        time = utc_text(datetime.fromtimestamp(self.moment / 1000, UTC))
        return f"{time} {self.service:<8} {self.level:<8} {_words(self.record) or self.text}"


def _words(record: Mapping[str, Any]) -> str:
    if not record:
        return ""
    message = record.get("message", record.get("type", ""))
    text = message if isinstance(message, str) else json.dumps(message)
    fields = {
        name: value
        for name, value in record.items()
        if name not in _LEFT_OUT and not name.startswith("function_") and value is not None
    }
    raised = str(fields.pop("exception", "")).strip()
    described = " ".join(f"{name}={_value(value)}" for name, value in fields.items())
    return "\n".join(filter(None, (" ".join(filter(None, (text, described))), raised)))


def _value(value: Any) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value)
