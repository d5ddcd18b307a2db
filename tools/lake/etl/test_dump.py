import gzip
import http.server
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from urllib3 import HTTPResponse

from lake import web
from lake.errors import DumpError
from lake.etl.dump import (
    RemoteDump,
    discard,
    fetch,
    local_dump,
    remote_dump,
    run_id_of,
    safe_name,
)
from lake.testing.http_server import serving

BODY = bytes(range(256)) * 20_000
AGENT = "openlake-dev-glue_etl/1.2.3 (me@example.org)"
RUN = "20260930T235959Z"


class Server(http.server.BaseHTTPRequestHandler):
    """Serves one dump, whole or cut off; knows ranges as the real place does."""

    cut_after: ClassVar[int | None] = None
    etag: ClassVar[str] = '"one"'
    ranges: ClassVar[list[str | None]] = []
    agents: ClassVar[set[str | None]] = set()

    def do_HEAD(self) -> None:  # noqa: N802
        self.agents.add(self.headers["User-Agent"])
        self._begin(None)

    def do_GET(self) -> None:  # noqa: N802
        asked = self.headers.get("Range")
        self.ranges.append(asked)
        self.agents.add(self.headers["User-Agent"])
        same = self.headers.get("If-Range") == self.etag
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and same else 0
        if start >= len(BODY):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(BODY)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self._begin(start):
            self.wfile.write(BODY[start : self.cut_after])

    def _begin(self, start: int | None) -> bool:
        if self.path.startswith("/latest"):
            self.send_response(302)
            self.send_header("Location", "/data/ol_dump_works_2026-09-30.txt.gz")
        elif self.path.startswith("/none"):
            self.send_response(404)
        else:
            self.send_response(206 if start else 200)
            self.send_header("ETag", self.etag)
            self.send_header("Content-Length", str(len(BODY) - (start or 0)))
            self.end_headers()
            return True
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Server, "ranges", [])
    monkeypatch.setattr(Server, "agents", set())
    with serving(Server) as address:
        yield address


def nothing(_have: int, _whole: int | None) -> None:
    """Do nothing."""


def interrupted_fetch(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> RemoteDump:
    """Fetch a dump whose connection breaks after 3 MB."""
    remote = remote_dump(f"{url}/d_2026-09-30.txt", AGENT)
    with monkeypatch.context() as patch:
        patch.setattr(Server, "cut_after", 3_000_000)
        with pytest.raises(DumpError, match="cut off"):
            fetch(remote, folder, nothing)
    return remote


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("ol_dump_works_2026-09-30.txt.gz", RUN),
        ("2026-09-30.txt", RUN),
    ],
)
def test_a_dump_becomes_the_run_of_its_date(name: str, run: str) -> None:
    assert run_id_of(name) == run


@pytest.mark.parametrize(
    "name", ["ol_dump_works_latest.txt.gz", "12026-09-300.txt", "20260930.txt"]
)
def test_without_a_date_a_run_id_is_needed(name: str) -> None:
    with pytest.raises(DumpError, match="no date") as caught:
        run_id_of(name)

    assert "--run-id 20260930T235959Z" in caught.value.hint
    assert run_id_of(name, RUN) == RUN


@pytest.mark.parametrize("given", ["2026-09-30", "20261331T000000Z", "../../x", ""])
def test_an_invalid_run_id_is_refused(given: str) -> None:
    with pytest.raises(DumpError, match="run id"):
        run_id_of("x_2026-09-30.txt", given)


def test_an_impossible_date_is_refused() -> None:
    with pytest.raises(DumpError, match="no real time"):
        run_id_of("x_2026-02-31.txt")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ol_dump_works_2026-09-30.txt.gz", "ol_dump_works_2026-09-30.txt.gz"),
        ("my dump [1]*.txt", "my-dump-1-.txt"),
        ("../../etc/x", "etc-x"),
        ("_hidden.txt", "hidden.txt"),
        ("été.txt", "t-.txt"),
        ("...", "dump.txt"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_is_cut_to_one_that_spark_sees() -> None:
    name = f"{'x' * 20}_{'a' * 149}"

    assert safe_name(name) == "a" * 149


def test_a_local_dump_gets_a_safe_name_and_the_run_of_its_date(tmp_path: Path) -> None:
    path = tmp_path / "a dump 2026-09-30.txt.gz"
    path.write_bytes(gzip.compress(b"line\n"))

    found = local_dump(path)

    assert (found.path, found.name, found.run_id) == (path, "a-dump-2026-09-30.txt.gz", RUN)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("d_2026-09-30.txt.gz", b"", "is empty"),
        ("d_2026-09-30.txt", b"", "is empty"),
        ("d_2026-09-30.txt.gz", b"/type/work", "not compressed"),
        ("d_2026-09-30.txt", gzip.compress(b"x"), "compressed by gzip"),
    ],
)
def test_a_file_that_is_not_a_dump_is_refused(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DumpError, match=complaint):
        local_dump(tmp_path / name)


@pytest.mark.parametrize(
    "name",
    [
        "ol_dump_authors_2026-09-30.txt.gz",
        "ol_dump_reading-log_2026-09-30.txt.gz",
        "ol_dump_2026-09-30.txt.gz",
        "ol_cdump_2026-09-30.txt.gz",
    ],
)
def test_a_dump_of_something_else_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"/type/work\tx"))

    with pytest.raises(DumpError, match=f"{name} is not the name of a dump of works") as caught:
        local_dump(tmp_path / name)

    assert "ol_dump_works_DATE.txt.gz" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"/type/author\t/authors/OL1A\t1", "of type author"),
        (b"/type/edition\t", "of type edition"),
    ],
)
def test_a_dump_of_something_else_is_refused_by_its_first_line(
    tmp_path: Path, line: bytes, message: str
) -> None:
    for name, content in (("d_2026-09-30.txt", line), ("d_2026-09-30.txt.gz", gzip.compress(line))):
        (tmp_path / name).write_bytes(content)

        with pytest.raises(DumpError, match=message):
            local_dump(tmp_path / name)


def test_a_dump_of_something_else_is_not_fetched(url: str) -> None:
    with pytest.raises(DumpError, match="not the name of a dump of works"):
        remote_dump(f"{url}/ol_dump_authors_2026-09-30.txt.gz", AGENT)


def test_a_missing_dump_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none_2026-09-30.txt"):
        with pytest.raises(DumpError, match="no dump at"):
            local_dump(path)


def test_a_dump_is_named_after_all_redirections(url: str) -> None:
    found = remote_dump(f"{url}/latest.txt.gz", AGENT)

    assert found == RemoteDump(
        f"{url}/data/ol_dump_works_2026-09-30.txt.gz",
        "ol_dump_works_2026-09-30.txt.gz",
        RUN,
        AGENT,
        '"one"',
        len(BODY),
    )


@pytest.mark.parametrize(
    "place", ["ftp://example.org/x", "file:///etc/passwd", "http://example.org/x_2026-09-30.txt"]
)
def test_only_https_is_fetched(place: str) -> None:
    with pytest.raises(DumpError, match="cannot be fetched"):
        remote_dump(place, AGENT)


class FakeWeb:
    """Answers with redirections, and in the end with a dump; keeps what it was asked for."""

    def __init__(self, *hops: str) -> None:
        self.hops = list(hops)
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(str(request.url))
        answer = requests.Response()
        answer.url, answer.request = str(request.url), request
        answer.status_code = 302 if self.hops else 200
        answer.headers["Location" if self.hops else "ETag"] = (self.hops or ["one"]).pop(0)
        answer.raw = HTTPResponse(io.BytesIO(b"forged"), preload_content=False)
        return answer

    def close(self) -> None:
        """Hold nothing."""


HERE, THERE = "https://example.org/d_2026-09-30.txt", "https://example.net/d_2026-09-30.txt"


@pytest.mark.parametrize("hop", ["http://example.net/x", "ftp://example.net/x"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_redirection_to_what_is_not_https_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, hop: str
) -> None:
    """GIVEN an address that leads by plain http to https THEN nothing is asked for there."""
    served = FakeWeb(THERE, hop, HERE)
    new_session = web.new_session

    def session(agent: str) -> requests.Session:
        made = new_session(agent)
        for scheme in ("https://", "http://", "ftp://"):
            made.mount(scheme, served)
        return made

    monkeypatch.setattr(web, "new_session", session)

    remote = RemoteDump(HERE, "d_2026-09-30.txt", RUN, AGENT)
    ask: dict[str, Callable[[], object]] = {
        "HEAD": lambda: remote_dump(HERE, AGENT),
        "GET": lambda: fetch(remote, tmp_path, nothing),
    }

    with pytest.raises(DumpError, match=f"cannot be fetched from {hop}"):
        ask[method]()

    assert served.asked == [HERE, THERE]
    assert not list(tmp_path.iterdir())


def test_an_error_status_is_reported(url: str) -> None:
    with pytest.raises(DumpError, match="answered 404"):
        remote_dump(f"{url}/none_2026-09-30.txt", AGENT)


def test_a_dump_is_fetched_whole_and_once(url: str, tmp_path: Path) -> None:
    remote = remote_dump(f"{url}/d_2026-09-30.txt", AGENT)
    seen: list[tuple[int, int | None]] = []

    path = fetch(remote, tmp_path, lambda have, whole: seen.append((have, whole)))

    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert fetch(remote, tmp_path, nothing) == path
    assert (Server.ranges, Server.agents) == ([None], {AGENT})
    discard(path)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_fetch_resumes(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a connection that broke
    remote = interrupted_fetch(url, tmp_path, monkeypatch)

    # WHEN it is tried again THEN only the rest is asked for
    assert fetch(remote, tmp_path, nothing).read_bytes() == BODY
    assert Server.ranges == [None, "bytes=3000000-"]


@pytest.mark.parametrize(
    ("more", "ranges"),
    [(b"", [f"bytes={len(BODY)}-"]), (b"!", [f"bytes={len(BODY) + 1}-", None])],
)
def test_a_fetch_that_died_after_the_last_byte_goes_on(
    url: str, tmp_path: Path, more: bytes, ranges: list[str | None]
) -> None:
    """GIVEN a part that has all bytes, or one too many THEN it is the dump, or begun anew."""
    remote = remote_dump(f"{url}/d_2026-09-30.txt", AGENT)
    (tmp_path / "d_2026-09-30.txt.part").write_bytes(BODY + more)
    about = json.dumps([remote.url, remote.validator])
    (tmp_path / "d_2026-09-30.txt.json").write_text(about)

    assert fetch(remote, tmp_path, nothing).read_bytes() == BODY
    assert Server.ranges == ranges
    assert not (tmp_path / "d_2026-09-30.txt.part").exists()


def test_a_fetch_of_a_new_content_that_is_cut_off_leaves_nothing_of_the_old_one(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a whole dump and a part of a newer one THEN the old one is not taken for it."""
    remote = remote_dump(f"{url}/d_2026-09-30.txt", AGENT)
    fetch(remote, tmp_path, nothing).write_bytes(b"old")
    monkeypatch.setattr(Server, "etag", '"two"')

    changed = interrupted_fetch(url, tmp_path, monkeypatch)

    assert fetch(changed, tmp_path, nothing).read_bytes() == BODY


def test_two_fetches_at_once_do_not_write_into_one_file(url: str, tmp_path: Path) -> None:
    remote = remote_dump(f"{url}/d_2026-09-30.txt", AGENT)

    def another(_have: int, _whole: int | None) -> None:
        with pytest.raises(DumpError, match="Another process fetches"):
            fetch(remote, tmp_path, nothing)

    assert fetch(remote, tmp_path, another).read_bytes() == BODY


def test_a_dump_that_changed_is_fetched_from_the_start(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = interrupted_fetch(url, tmp_path, monkeypatch)
    # It changes after the question for its name, too.
    monkeypatch.setattr(Server, "etag", '"two"')

    assert fetch(remote, tmp_path, nothing).read_bytes() == BODY
