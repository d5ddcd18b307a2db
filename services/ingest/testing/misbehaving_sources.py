"""Sources that misbehave, and what a crawl of each must come to."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.testing.adversary import Adversary, Asked, Behaviour, Reply, document, page_of, text
from schemas.ledger.run import RunStatus

GOOD = ("fantasy", "history", "love")
WORKS = 100
NULL: dict[str, object] = {"work_count": None, "works": []}


@dataclass(frozen=True)
class Case:
    """A source and what a crawl of it must come to.

    Attributes
    ----------
    behave
        Makes the behaviour; it may change the works of the adversary.
    bad
        Works of subjects besides the good ones, which are listed first.
    status
        The run's.
    reasons
        How the manifest's words on a subject begin; others are complete without a remark.
    most_requests
        Bound on the requests of the run.
    most_seconds
        Bound on its time.
    """

    name: str
    behave: Callable[[Adversary], Behaviour]
    bad: Mapping[str, int] = field(default_factory=dict)
    status: RunStatus = "complete"
    reasons: Mapping[str, str] = field(default_factory=dict)
    most_requests: int = 80
    most_seconds: float = 3600.0


def always(reply: Reply, when: Callable[[Asked], bool]) -> Callable[[Adversary], Behaviour]:
    return lambda source: lambda asked: reply if when(asked) else None


def for_seconds(
    seconds: float, reply: Reply, start: float = 0.0
) -> Callable[[Adversary], Behaviour]:
    """Answer all requests so for a time, from ``start`` seconds after the first one on."""

    def behave(source: Adversary) -> Behaviour:
        def behaviour(asked: Asked) -> Reply | None:
            since = asked.at - source.asked[0].at
            return reply if start <= since < start + seconds else None

        return behaviour

    return behave


def asked_before(source: Adversary, asked: Asked) -> int:
    """Count the requests for the same page, this one included: what no order of threads changes."""
    return sum((one.subject, one.offset) == (asked.subject, asked.offset) for one in source.asked)


def at_random(
    share: float, reply: Callable[[Adversary, Asked], Reply]
) -> Callable[[Adversary], Behaviour]:
    def behave(source: Adversary) -> Behaviour:
        def behaviour(asked: Asked) -> Reply | None:
            drawn = f"{asked.subject} {asked.offset} {asked_before(source, asked)}"
            chance = random.Random(drawn)  # noqa: S311  # the same every time
            return reply(source, asked) if chance.random() < share else None

        return behaviour

    return behave


def once(reply: Reply, subject: str = "love", offset: int = 0) -> Callable[[Adversary], Behaviour]:
    return lambda source: lambda asked: (
        reply
        if (asked.subject, asked.offset) == (subject, offset) and asked_before(source, asked) == 1
        else None
    )


def wavering(source: Adversary) -> Behaviour:
    def behaviour(asked: Asked) -> Reply:
        before = sum(one.subject == asked.subject for one in source.asked)
        return served(source, asked, work_count=WORKS - before % 3)

    return behaviour


def but_first_pages(reply: Reply) -> Callable[[Adversary], Behaviour]:
    """Answer so to all but the first page of each subject, and to canaries."""
    return always(reply, lambda asked: asked.offset > 0 or asked.limit == 1)


def record(raw: bytes, number: int = 30) -> Callable[[Adversary], Behaviour]:
    """Serve one work of the subject "odd" as these bytes, after a title."""

    def behave(source: Adversary) -> Behaviour:
        def behaviour(asked: Asked) -> Reply | None:
            if asked.subject != "odd":
                return None
            works = source.works["odd"]
            numbers = works[asked.offset : asked.offset + asked.limit]
            listed = [
                b'{"key": "/works/OL%dW", "title": %s}' % (one, raw if one == number else b'"x"')
                for one in numbers
            ]
            body = b'{"work_count": %d, "works": [%s]}' % (len(works), b",".join(listed))
            return Reply(200, body, {"Content-Type": "application/json"})

        return behaviour

    return behave


def changing(
    change: Callable[[list[int]], list[int]], after: int = 3
) -> Callable[[Adversary], Behaviour]:
    """Change the works of "love" once so many of its pages were asked for."""

    def behave(source: Adversary) -> Behaviour:
        def behaviour(asked: Asked) -> None:
            asked_for = [one for one in source.asked if one.subject == "love"]
            if len(asked_for) == after and asked_for[-1] == asked:
                source.works["love"] = change(source.works["love"])

        return behaviour

    return behave


def served(source: Adversary, asked: Asked, **changes: object) -> Reply:
    works = source.works.get(asked.subject, [])
    numbers = works[asked.offset : asked.offset + asked.limit]
    listed = [{"key": f"/works/OL{number}W"} for number in numbers]
    return document({"work_count": len(works), "works": listed} | changes)


def shuffled(source: Adversary) -> Behaviour:
    chance = random.Random(3)  # noqa: S311  # as above

    def behaviour(asked: Asked) -> Reply | None:
        if asked.subject != "odd":
            return None
        works = source.works["odd"][:]
        chance.shuffle(works)
        return page_of(works, asked)

    return behaviour


def collapsing(source: Adversary) -> Behaviour:
    def behaviour(asked: Asked) -> Reply | None:
        if asked.subject == "odd" and asked.offset:
            return document({"work_count": 3, "works": []})
        return None

    return behaviour


def moody(source: Adversary) -> Behaviour:
    """Another mood every 20 s of the first 100."""
    moods = [
        text(429, Retry_After="5"),
        text(500),
        document(NULL),
        text(404, "text/html"),
        text(200, "text/html"),
    ]

    def behaviour(asked: Asked) -> Reply | None:
        mood = int(asked.at - source.asked[0].at) // 20
        return moods[mood] if asked.number > 4 and mood < len(moods) else None

    return behaviour


def in_subject(
    reply: Reply, subject: str = "odd", start: int = 0
) -> Callable[[Adversary], Behaviour]:
    return always(reply, lambda asked: asked.subject == subject and asked.offset >= start)


ODD = {"odd": WORKS}
CASES = [
    Case("honest", lambda source: lambda asked: None, most_requests=15),
    Case(
        "first subject: null from offset 40 on",
        in_subject(document(NULL), start=40),
        ODD,
        "partial",
        {"odd": "work_count_null: crawl stopped"},
    ),
    Case(
        "last subject: 503 always",
        in_subject(text(503)),
        ODD,
        "partial",
        {"odd": "http_503: crawl stopped"},
    ),
    Case("500 in plain text, once", once(text(500))),
    Case("500 in plain text for 2 s at the start", for_seconds(2, text(500))),
    Case("500 in plain text for 2 s later", for_seconds(2, text(500), 2)),
    Case(
        "count collapses to 3, and no works",
        collapsing,
        ODD,
        "partial",
        {"odd": "source_changed: work_count was between 3 and 100 while paging"},
    ),
    Case("first page says 0, once", once(document({"work_count": 0, "works": []}))),
    Case(
        "subject that does not exist",
        in_subject(document({"work_count": 0, "works": []})),
        {"odd": 0},
        reasons={"odd": "unknown_subject"},
    ),
    Case(
        "429 with Retry-After 300, for 300 s",
        for_seconds(299, text(429, Retry_After="300"), 2),
        most_requests=30,
    ),
    Case(
        "429 with a date, for an hour",
        for_seconds(3500, text(429, Retry_After="Mon, 23 Nov 2026 07:00:05 GMT"), 2),
        most_requests=30,
        most_seconds=4500,
    ),
    Case(
        "429 to one subject always",
        in_subject(text(429)),
        ODD,
        "partial",
        {"odd": "rate_limited: crawl stopped"},
        most_requests=120,
    ),
    Case("503 with Retry-After 120, for 240 s", for_seconds(240, text(503, Retry_After="120"), 2)),
    Case("lone surrogate in one record", record(b'"\\ud800"'), ODD),
    Case("a byte that is not UTF-8 in one record", record(b'"\xe9"'), ODD),
    Case("300 nested lists in one record", record(b"[" * 300 + b"]" * 300), ODD),
    Case("number of 5,000 digits in one record", record(b"9" * 5000), ODD),
    Case(
        "200,000 nested lists in one record",
        record(b"[" * 200_000 + b"]" * 200_000),
        ODD,
        "partial",
        {"odd": "pages_failed: 30+1 (json_invalid)"},
    ),
    Case(
        "one subject drips",
        in_subject(Reply(drips=True)),
        ODD,
        "partial",
        {"odd": "source_unreachable: crawl stopped"},
    ),
    Case("404 to everything for 60 s", for_seconds(60, text(404, "text/html"), 1)),
    Case("302 to everything for 30 s", for_seconds(30, text(302, Location="/x"))),
    Case("403 to everything for 30 s", for_seconds(30, text(403, "text/html"), 2)),
    Case(
        "403 to everything from the start",
        always(text(403, "text/html"), lambda asked: True),
        status="failed",
        reasons=dict.fromkeys(GOOD, "user_agent_refused: crawl stopped"),
    ),
    Case(
        "403 to everything once the first pages are there",
        but_first_pages(text(403, "text/html")),
        status="partial",
        reasons=dict.fromkeys(GOOD, "user_agent_refused: crawl stopped"),
    ),
    Case(
        "403 on one path",
        in_subject(text(403, "text/html"), start=20),
        ODD,
        "partial",
        {"odd": "user_agent_refused: crawl stopped"},
    ),
    Case(
        "404 on one path",
        in_subject(text(404, "text/html")),
        ODD,
        "partial",
        {"odd": "http_404: crawl stopped"},
    ),
    Case(
        "offset 0 is null always",
        always(document(NULL), lambda asked: asked.subject == "odd" and asked.offset == 0),
        ODD,
        "partial",
        {"odd": "pages_failed: 0+1 (work_count_null)"},
    ),
    Case(
        "facets fail",
        always(text(500), lambda asked: asked.details),
        reasons=dict.fromkeys(GOOD, "without_details"),
    ),
    Case(
        "pages above 5 works fail in one subject",
        always(text(504), lambda asked: asked.subject == "odd" and asked.limit > 5),
        ODD,
        most_requests=150,
    ),
    Case(
        "one work fails whatever page it is in",
        always(
            text(502),
            lambda asked: asked.subject == "odd"
            and asked.offset <= 47 < asked.offset + asked.limit,
        ),
        ODD,
        "partial",
        {"odd": "pages_failed: 47+1 (http_502)"},
    ),
    Case(
        "pages come short",
        lambda source: lambda asked: (
            page_of(
                source.works["odd"], Asked(0, 0, "odd", asked.offset, min(asked.limit, 13), False)
            )
            if asked.subject == "odd"
            else None
        ),
        ODD,
    ),
    Case(
        "announces 100 and serves 91",
        lambda source: lambda asked: (
            page_of(source.works["odd"][:91], asked, 100) if asked.subject == "odd" else None
        ),
        ODD,
        "partial",
        {"odd": "undercount: 91 distinct works of 100 announced"},
    ),
    Case(
        "5 works leave the front meanwhile",
        changing(lambda works: works[5:]),
        reasons={"love": "source_changed"},
    ),
    Case(
        "3 works leave and 3 come meanwhile",
        changing(lambda works: [*works[3:], 901, 902, 903]),
    ),
    Case(
        "half of the works leave meanwhile",
        changing(lambda works: works[::2]),
        status="partial",
        reasons={"love": "source_changed"},
    ),
    Case(
        "works come in at the end meanwhile",
        changing(lambda works: [*works, 901, 902]),
        reasons={"love": "source_changed"},
    ),
    Case("no order at all", shuffled, ODD, "partial", {"odd": ""}),
    Case(
        "a fifth of the connections is cut",
        at_random(0.2, lambda source, asked: Reply(**{**vars(served(source, asked)), "cut": True})),
    ),
    Case(
        "a third of the answers is HTML",
        at_random(0.33, lambda source, asked: text(200, "text/html")),
    ),
    Case("another shape for 60 s", for_seconds(60, document({"docs": []}), 1)),
    Case("down for an hour in the middle", for_seconds(3600, text(503), 2), most_seconds=7200),
    Case("down for an hour from the start", for_seconds(3600, text(503)), most_seconds=7200),
    Case(
        "down for ever once the first pages are there",
        but_first_pages(text(503)),
        status="partial",
        reasons=dict.fromkeys(GOOD, "run_expired: crawl stopped"),
        most_requests=500,
        most_seconds=24 * 3600 + 600,
    ),
    Case("another mood every 20 s", moody),
    Case(
        "counts waver by a few",
        wavering,
        reasons=dict.fromkeys(GOOD, "source_changed"),
    ),
]
