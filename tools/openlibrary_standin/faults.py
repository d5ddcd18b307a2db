"""Faults which can be switched on: by rate or by schedule, the same for the same seed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from threading import Lock
from typing import Any

from openlibrary_standin.works.draws import happens

#: Every fault with what the client gets.
FAULTS: Mapping[str, str] = {
    "down": "503 HTML for every request (whatever the rule says)",
    "429": "rate limited: JSON without Retry-After",
    "403": "forbidden: nginx HTML",
    "5xx": "502, 503 or 504 with nginx HTML",
    "500": "500 with plain text",
    "slow": "the answer comes `seconds` late",
    "cut": "the connection closes in the middle of the body",
    "truncated-gzip": "whole body by its Content-Length, but the gzip stream (or JSON) is not",
    "html": "an HTML page with status 200",
    "null-count": "status 200 with work_count null: the search backend failed",
    "other-shape": "status 200 with JSON of another shape",
    "churn": "a few works are gone from the front, or back again: other work_count, shifted pages",
}


@dataclass(frozen=True, slots=True)
class FaultRule:
    """When a fault happens.

    Attributes
    ----------
    rate
        Share of requests, from 0 to 1, drawn by seed, subject, offset and how often that page was
        asked for: so concurrent clients meet the same faults in whatever order they come.
    requests
        Requests it happens to, counted over the server from 1.
    burst
        How many requests in a row it happens to, once it happens.
    times
        After so many times it happens no more; None for no limit.
    seconds
        Delay of the fault ``slow``.
    subject, offset
        The only subject key or offset it happens to; None for all.
    """

    rate: float = 0.0
    requests: tuple[int, ...] = ()
    burst: int = 1
    times: int | None = None
    seconds: float = 2.0
    subject: str | None = None
    offset: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1 or self.burst < 1 or self.seconds < 0:
            raise ValueError(f"not a fault rule: {self}")


FaultRules = Mapping[str, FaultRule]


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls one request: its number, counted from 1, and its faults."""

    number: int
    faults: Mapping[str, FaultRule]


class FaultPlan:
    """Decide on the faults of each request; thread-safe."""

    def __init__(self, seed: int, rules: FaultRules) -> None:
        self._seed = seed
        self._lock = Lock()
        self.rules = rules

    @property
    def rules(self) -> FaultRules:
        """Rules in force by fault. Setting them starts all counts anew."""
        return self._rules

    @rules.setter
    def rules(self, rules: FaultRules) -> None:
        unknown = set(rules) - set(FAULTS)
        if unknown:
            raise ValueError(f"unknown faults {sorted(unknown)}; known are {list(FAULTS)}")
        with self._lock:
            self._rules = dict(rules)
            self._start_anew()

    def reset(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._start_anew()

    def next_fate(self, subject: str, offset: int) -> Fate:
        """Decide on the next request, for the page of a `subject` at an `offset`."""
        with self._lock:
            self._requests += 1
            self._attempts[subject, offset] += 1
            faults = {
                name: rule
                for name, rule in self._rules.items()
                if self._happens(name, rule, subject, offset)
            }
            self._happened.update(faults.keys())
            return Fate(self._requests, faults)

    def _start_anew(self) -> None:
        self._requests = 0
        self._attempts: Counter[tuple[str, int]] = Counter()
        self._happened: Counter[str] = Counter()
        self._burst_left: Counter[str] = Counter()

    def _happens(self, name: str, rule: FaultRule, subject: str, offset: int) -> bool:
        if name == "down":
            return True
        if rule.subject not in (None, subject) or rule.offset not in (None, offset):
            return False
        if rule.times is not None and self._happened[name] >= rule.times:
            return False
        if self._burst_left[name] > 0:
            self._burst_left[name] -= 1
            return True
        attempt = self._attempts[subject, offset]
        starts = self._requests in rule.requests or happens(
            rule.rate, self._seed, "fault", name, subject, offset, attempt
        )
        if starts:
            self._burst_left[name] = rule.burst - 1
        return starts


def parse_fault(text: str) -> tuple[str, FaultRule]:
    """Read a fault from the command line.

    Examples are ``5xx=0.05`` (a rate), ``429=@3,9:burst=5`` (requests 3 and 9), ``down``,
    ``slow=0.1:seconds=3`` and ``cut=1:times=2:subject=place:london``.

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    name, _, value = text.partition("=")
    # A subject key may hold a colon itself, hence it comes last.
    value, has_subject, subject = value.partition(":subject=")
    when, *options = (value or "1").split(":")
    rule: dict[str, Any] = dict(option.split("=", 1) for option in options)
    if when.startswith("@"):
        rule["requests"] = when[1:].split(",")
    else:
        rule["rate"] = when
    if has_subject:
        rule["subject"] = subject
    return name, _rule(rule)


def rules_from_json(document: Any) -> dict[str, FaultRule]:
    """Read rules as JSON has them: by fault, either a rate or an object of a rule's attributes.

    Raises
    ------
    ValueError
        When the document has another form.
    """
    if not isinstance(document, dict):
        raise ValueError("an object of rules by fault is expected")
    return {
        name: _rule(rule if isinstance(rule, dict) else {"rate": rule})
        for name, rule in document.items()
    }


def rules_to_json(rules: FaultRules) -> dict[str, dict[str, Any]]:
    """Rules as JSON has them."""
    return {name: asdict(rule) for name, rule in rules.items()}


def _rule(raw: Mapping[str, Any]) -> FaultRule:
    unknown = set(raw) - {field.name for field in fields(FaultRule)}
    if unknown:
        raise ValueError(f"unknown attributes of a fault rule: {sorted(unknown)}")
    try:
        return FaultRule(
            rate=float(raw.get("rate", 0)),
            requests=tuple(int(number) for number in raw.get("requests", ())),
            burst=int(raw.get("burst", 1)),
            times=None if raw.get("times") is None else int(raw["times"]),
            seconds=float(raw.get("seconds", 2)),
            subject=raw.get("subject"),
            offset=None if raw.get("offset") is None else int(raw["offset"]),
        )
    except TypeError as error:
        raise ValueError(f"not a fault rule: {raw}") from error
