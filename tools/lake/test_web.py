"""Requests against a small real server on this machine."""

import http.server
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from lake import web
from lake.aws import Cloud
from lake.errors import SourceUnreachableError
from lake.local.local_aws import free_port
from lake.project import Project
from lake.runs.source import require_reachable
from lake.testing.http_server import serving


class Server(http.server.BaseHTTPRequestHandler):
    """Answers with the listed statuses, one a request; the last one stays."""

    statuses: ClassVar[list[int]] = []
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:  # noqa: N802
        self.seen.append(dict(self.headers))
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Server, "seen", [])
    with serving(Server) as address:
        yield address


def test_a_transient_answer_is_asked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "statuses", [503, 200])

    assert web.new_session("me").get(url, timeout=5).status_code == 200

    assert [headers["User-Agent"] for headers in Server.seen] == ["me", "me"]
    assert Server.seen[0]["Accept-Encoding"] == "identity"


def test_a_refusal_is_not_asked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "statuses", [404])

    assert web.new_session("me").get(url, timeout=5).status_code == 404

    assert len(Server.seen) == 1


@pytest.mark.parametrize(("status", "expected"), [(200, True), (404, False), (503, False)])
def test_a_server_is_ready_when_it_answers_with_success(
    url: str, monkeypatch: pytest.MonkeyPatch, status: int, expected: bool
) -> None:
    monkeypatch.setattr(Server, "statuses", [status])
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert web.answers(url) is expected


def test_a_server_that_is_down_is_not_ready() -> None:
    assert web.answers(f"http://127.0.0.1:{free_port()}") is False


def test_a_reason_is_the_first_cause() -> None:
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(f"http://127.0.0.1:{free_port()}", timeout=5)

    assert re.fullmatch(r"\[Errno \d+\] Connection refused", web.reason_of(caught.value))


def test_a_source_that_answers_can_be_crawled(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "statuses", [200])

    require_reachable(url, "openlake-dev-ingest/1.2.3 (me@example.org)")

    assert Server.seen[0]["User-Agent"] == "openlake-dev-ingest/1.2.3 (me@example.org)"


@pytest.mark.parametrize(
    ("contact", "comment"), [("me@example.org", " (me@example.org)"), ("", "")]
)
def test_a_client_names_the_installation_the_version_and_whom_to_write_to(
    tmp_path: Path, contact: str, comment: str
) -> None:
    (tmp_path / "services/ingest").mkdir(parents=True)
    (tmp_path / "services/ingest/VERSION").write_text("1.2.3\n")

    found = web.agent_of(Cloud(app="ours", env="dev"), Project(tmp_path), "ingest", contact)

    assert found == f"ours-dev-ingest/1.2.3{comment}"


@pytest.mark.parametrize(("status", "hint"), [(403, "--contact"), (404, "Try again later")])
def test_a_source_that_refuses_says_what_to_do(
    url: str, monkeypatch: pytest.MonkeyPatch, status: int, hint: str
) -> None:
    monkeypatch.setattr(Server, "statuses", [status])

    with pytest.raises(SourceUnreachableError, match=f"answered {status}") as caught:
        require_reachable(url, "")

    assert hint in caught.value.hint
