"""Dumps of works: where one is, which run it becomes, and how it is fetched."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, md5
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from lake import web
from lake.errors import DumpError
from lake.locks import exclusive
from schemas.keys import InvalidKeyError, parse_run_id

if TYPE_CHECKING:
    import requests

TIMEOUT_SECONDS = 60.0
CHUNK_BYTES = 1 << 20
FIRST_LINE_BYTES = 200
GZIP = b"\x1f\x8b"
# The answer to a request for a range that begins at the end, or after it.
NOTHING_LEFT = 416
LOCAL_HOSTS = ("127.0.0.1", "localhost")
# Runs of the schedule start on a full minute. Where somebody started one at this second, the dump
# is refused, as its run has what only a crawl writes.
END_OF_DAY = "T235959Z"
NO_CONTENT = "OpenLibrary has published empty dumps before: take an earlier one."

WORKS_DUMP = "Take ol_dump_works_DATE.txt.gz from https://openlibrary.org/developers/dumps."
# Types of record that have dumps of their own; without a type, a dump holds all of them.
OTHER_DUMP = re.compile(r"ol_c?dump_(?!works(?:_|\.))")

OnBytes = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Dump:
    """A dump on this machine.

    Attributes
    ----------
    path
        The file.
    name
        Its name, made safe for keys and addresses.
    run_id
        The run that it becomes.
    """

    path: Path
    name: str
    run_id: str

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size


@dataclass(frozen=True)
class RemoteDump:
    """A dump that is not fetched yet.

    Attributes
    ----------
    url
        Its address, after all redirections.
    name, run_id
        As of a `Dump`.
    agent
        The User-Agent by which it is asked for.
    validator
        ETag of its content; empty if the server sends none.
    size
        Its bytes; None if the server does not say.
    """

    url: str
    name: str
    run_id: str
    agent: str
    validator: str = ""
    size: int | None = None


def is_url(place: str) -> bool:
    """Return whether a dump's place is an address rather than a path."""
    return "://" in place


def local_dump(path: Path, run_id: str | None = None) -> Dump:
    """Return a dump in a file, after a look at its first bytes.

    Raises
    ------
    DumpError
        It is missing, empty or misnamed.
    """
    if not path.is_file():
        raise DumpError(
            f"There is no dump at {path}.",
            "Give the path or https address of ol_dump_works_DATE.txt.gz.",
        )
    _require_works(path.name)
    with path.open("rb") as file:
        start = file.read(len(GZIP))
    if not start:
        raise DumpError(f"The dump {path} is empty.", NO_CONTENT)
    if (start == GZIP) != path.name.endswith(".gz"):
        form = "compressed by gzip" if start == GZIP else "not compressed by gzip"
        raise DumpError(
            f"The dump {path} is {form}, and its name says otherwise.",
            "Rename it: .txt.gz for a compressed dump, .txt for any other.",
        )
    kind = _kind_of_first_line(path)
    if kind not in ("", "work"):
        raise DumpError(f"The dump {path} is of type {kind}, not of works.", WORKS_DUMP)
    return Dump(path, safe_name(path.name), run_id_of(path.name, run_id))


def remote_dump(url: str, agent: str, run_id: str | None = None) -> RemoteDump:
    """Return a dump's name and address, following redirections; nothing is fetched yet.

    Parameters
    ----------
    agent
        The User-Agent.

    Raises
    ------
    DumpError
        It cannot be reached, or not by https.
    """
    with _request("HEAD", url, agent) as answer:
        found, validator = answer.url, answer.headers.get("ETag", "")
        size = _expected(answer, 0)
    name = unquote(urlsplit(found).path.rpartition("/")[2])
    if not name:
        raise DumpError(
            f"The address {found} does not name a file.", "Give the address of the dump."
        )
    _require_works(name)
    run = run_id_of(name, run_id)
    return RemoteDump(found, safe_name(name), run, agent, validator, size)


def fetch(remote: RemoteDump, folder: Path, on_bytes: OnBytes) -> Path:
    """Fetch a dump; an interrupted fetch resumes where it ended.

    Raises
    ------
    DumpError
        It did not arrive complete, and what arrived is kept for the next attempt; or it is no
        longer served by https; or another process fetches it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = DumpError(
        "Another process fetches a dump in this clone.",
        "Wait until it has ended, then run it again.",
    )
    with exclusive(folder.with_name(f"{folder.name}.lock"), taken):
        return _fetch(remote, folder, on_bytes)


def _fetch(remote: RemoteDump, folder: Path, on_bytes: OnBytes) -> Path:
    whole, part = folder / remote.name, folder / f"{remote.name}.part"
    about = _about(whole)
    same = bool(remote.validator) and _known(about) == [remote.url, remote.validator]
    if same and whole.is_file():
        return whole
    headers = {}
    if same and part.is_file():
        # Only if it has not changed; otherwise the server sends all of it.
        headers = {"Range": f"bytes={part.stat().st_size}-", "If-Range": remote.validator}
    with _request("GET", remote.url, remote.agent, headers) as answer:
        if answer.status_code == NOTHING_LEFT:
            # All of it had arrived when the fetch was interrupted, or more than there is.
            if answer.headers.get("Content-Range") == f"bytes */{part.stat().st_size}":
                return part.replace(whole)
            part.unlink()
            return _fetch(remote, folder, on_bytes)
        resumes = answer.status_code == 206
        have = part.stat().st_size if resumes else 0
        expected = _expected(answer, have)
        if not resumes:
            # What is there is of another content, and gone before this one is put on record.
            whole.unlink(missing_ok=True)
            part.unlink(missing_ok=True)
            about.write_text(json.dumps([remote.url, answer.headers.get("ETag", "")]))
        with part.open("ab" if resumes else "wb") as file:
            have = _copy(answer, file, have, expected, on_bytes)
    if expected is not None and have != expected:
        raise _cut_off(f"{have} of {expected} bytes arrived")
    part.replace(whole)
    return whole


def discard(path: Path) -> None:
    """Remove a fetched dump."""
    path.unlink(missing_ok=True)
    _about(path).unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """Return the MD5 of a file, as the lake keeps it of a dump."""
    with path.open("rb") as file:
        return file_digest(file, lambda: md5(usedforsecurity=False)).hexdigest()


def run_id_of(name: str, given: str | None = None) -> str:
    """Return the run that a dump becomes: the one given, or that of the date in its name.

    Raises
    ------
    DumpError
        The id is invalid, or the name has no date.
    """
    if given is None:
        dated = re.search(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)", name)
        if not dated:
            raise DumpError(
                f"The name {name} has no date such as 2026-09-30.",
                "Give the day of the dump: --run-id 20260930T235959Z",
            )
        given = f"{''.join(dated.groups())}{END_OF_DAY}"
    try:
        parse_run_id(given)
    except InvalidKeyError as error:
        raise DumpError(f"{error}.", "A run id is a time (UTC): 20260930T235959Z") from None
    return given


def safe_name(name: str) -> str:
    """Return a name that is safe in a key and in an address that Spark reads."""
    # Spark passes over names that begin with a dot or _, as the end of a long one may.
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-150:].lstrip("._-")
    return safe or "dump.txt"


def _require_works(name: str) -> None:
    if OTHER_DUMP.match(name):
        raise DumpError(f"{name} is not the name of a dump of works.", WORKS_DUMP)


def _kind_of_first_line(path: Path) -> str:
    """Return the type of the first record, such as work or author; empty if it has none."""
    opened = gzip.open(path) if path.name.endswith(".gz") else path.open("rb")
    try:
        with opened as file:
            line = file.readline(FIRST_LINE_BYTES)
    except (OSError, EOFError, zlib.error):
        # A damaged file is reported by the job, which reads all of it.
        return ""
    found = re.match(rb"/type/(\w+)\t", line)
    return found[1].decode() if found else ""


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        return
    raise DumpError(f"The dump cannot be fetched from {url}.", "Give a path, or an https address.")


def _require_safe_redirect(answer: "requests.Response", **_options: Any) -> None:
    """Refuse a redirection before it is followed: any hop by plain http could name another file."""
    if answer.is_redirect:
        _require_safe(urljoin(answer.url, answer.headers["Location"]))


@contextmanager
def _request(
    method: str, url: str, agent: str, headers: Mapping[str, str] | None = None
) -> Iterator["requests.Response"]:
    import requests

    _require_safe(url)
    with web.new_session(agent) as session:
        session.hooks["response"].append(_require_safe_redirect)
        try:
            answer = session.request(
                method,
                url,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                stream=True,
                allow_redirects=True,
            )
        except requests.RequestException as error:
            raise DumpError(
                f"{url} cannot be reached: {web.reason_of(error)}",
                "Check the network and the address.",
            ) from error
        with answer:
            begun = headers and answer.status_code == NOTHING_LEFT
            if not (answer.ok or begun):
                raise DumpError(f"{url} answered {answer.status_code}.", "Check the address.")
            yield answer


def _about(whole: Path) -> Path:
    return whole.with_name(f"{whole.name}.json")


def _known(about: Path) -> object:
    try:
        return json.loads(about.read_text())
    except (OSError, ValueError):
        return None


def _cut_off(detail: str) -> DumpError:
    return DumpError(
        f"The dump was cut off: {detail}.", "Run the same command again: it resumes there."
    )


def _expected(answer: "requests.Response", have: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _copy(
    answer: "requests.Response",
    file: IO[bytes],
    have: int,
    expected: int | None,
    on_bytes: OnBytes,
) -> int:
    from urllib3.exceptions import HTTPError

    try:
        # Not `iter_content`, which drops the last bytes before a connection broke.
        while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
            file.write(chunk)
            have += len(chunk)
            on_bytes(have, expected)
    except (OSError, HTTPError) as error:
        raise _cut_off(f"{have} bytes arrived, then {error}") from error
    return have
