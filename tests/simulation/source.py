"""A source that changes while it is paged through, fails, and does not always tell the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.errors import SourceUnreachableError
from ingest.ports import Gate, SourceResponse
from ingest.testing.fakes import json_response
from process.testing.pages import make_work
from tests.simulation.cloud import Cloud

SUBJECTS = ("love", "person:jane_austen", "place:london")


@dataclass
class Source:
    """Subjects as lists of works.

    Attributes
    ----------
    sent
        Who sent a request, and when (seconds).
    """

    cloud: Cloud
    works: dict[str, list[int]] = field(default_factory=dict)
    edition: int = 0
    sent: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, subject in enumerate(SUBJECTS):
            count = self.cloud.chance.randrange(0, 30)
            self.works[subject] = [1000 * number + one for one in range(count)]

    def change(self) -> None:
        """Add, remove or rename works."""
        works = self.works[self.cloud.chance.choice(SUBJECTS)]
        if works and self.cloud.chance.random() < 0.4:
            works.remove(self.cloud.chance.choice(works))
        else:
            works.insert(0, self.cloud.chance.randrange(10_000, 99_999))
        self.edition += 1

    def fetch(self, path: str, gate: Gate, timeout_seconds: float) -> SourceResponse:
        """Answer a request."""
        cloud, parts = self.cloud, urlsplit(path)
        subject = unquote(parts.path.removeprefix("/subjects/").removesuffix(".json"))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with gate():
            actor = cloud.engine.current
            self.sent.append((cloud.engine.seconds, actor.name if actor else ""))
        slow = 0.4 if cloud.calm or cloud.chance.random() > 0.2 else 12.0
        cloud.engine.sleep(cloud.chance.uniform(0.05, slow))
        answer = self._answer(subject, int(query["offset"]), int(query["limit"]))
        return SourceResponse(
            url=f"https://source.example{path}",
            status=answer.status,
            body=answer.body,
            fetched_at=cloud.engine.now(),
            content_type=answer.content_type,
            content_encoding=answer.content_encoding,
        )

    def _answer(self, subject: str, offset: int, limit: int) -> SourceResponse:
        works = self.works[subject]
        page: dict[str, Any] = {
            "key": f"/subjects/{subject}",
            "name": subject,
            "work_count": len(works),
            "works": [self._work(one) for one in works[offset : offset + limit]],
        }
        if self.cloud.calm:
            return json_response(page)
        roll = self.cloud.chance.random()
        if roll < 0.03:
            self.cloud.note("source", "source_cut")
            raise SourceUnreachableError("cut")
        if roll < 0.08:
            status = self.cloud.chance.choice((429, 500, 503))
            self.cloud.note("source", f"source_{status}")
            return json_response({"error": "no"}, status=status)
        if roll < 0.11:
            self.cloud.note("source", "source_lie")
            lies: tuple[dict[str, Any], ...] = (
                {"work_count": len(works) + 7},
                {"works": []},
                {"work_count": None},
            )
            return json_response(page | self.cloud.chance.choice(lies))
        return json_response(page)

    def _work(self, number: int) -> dict[str, Any]:
        work = make_work(key=f"/works/OL{number}W", title=f"{number}, edition {self.edition}")
        return {"title": "without a key"} if number % 13 == 5 else work
