"""Dumps of works: where one is, what run it makes, and how it is fetched."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lake import web
from lake.errors import DumpError
from schemas.keys import InvalidKeyError, parse_run_id

if TYPE_CHECKING:
    import requests

USER_AGENT = "openlake"
TIMEOUT_SECONDS = 60.0
CHUNK_BYTES = 1 << 20
GZIP = b"\x1f\x8b"
LOCAL_HOSTS = ("127.0.0.1", "localhost")
# Runs of the crawl begin with a minute, so that none has the id of a dump of its day.
END_OF_DAY = "T235959Z"
NO_CONTENT = "OpenLibrary has published empty dumps before: take an earlier one."

OnBytes = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Dump:
    """A dump on this machine.

    Parameters
    ----------
    path
        The file.
    name
        Its name, made safe for keys and addresses.
    run_id
        The run that it makes.
    """

    path: Path
    name: str
    run_id: str


@dataclass(frozen=True)
class RemoteDump:
    """A dump that is still elsewhere.

    Parameters
    ----------
    url
        Its address, after all redirections.
    name, run_id
        As of a `Dump`.
    validator
        By what its server knows its content (ETag); empty where it tells none.
    """

    url: str
    name: str
    run_id: str
    validator: str = ""


def is_url(place: str) -> bool:
    """Tell whether a dump's place is an address and no path."""
    return "://" in place


def local_dump(path: Path, run_id: str | None = None) -> Dump:
    """Look at a dump in a file, as far as a glance tells whether it is one.

    Raises
    ------
    DumpError
        There is none, or it is empty or misnamed.
    """
    if not path.is_file():
        raise DumpError(
            f"There is no dump at {path}.",
            "Give the path or https address of ol_dump_works_DATE.txt.gz.",
        )
    with path.open("rb") as file:
        begin = file.read(len(GZIP))
    if not begin:
        raise DumpError(f"The dump {path} is empty.", NO_CONTENT)
    if (begin == GZIP) != path.name.endswith(".gz"):
        form = "compressed by gzip" if begin == GZIP else "not compressed by gzip"
        raise DumpError(
            f"The dump {path} is {form}, and its name says otherwise.",
            "Rename it: .txt.gz for a compressed dump, .txt for any other.",
        )
    return Dump(path, safe_name(path.name), run_id_of(path.name, run_id))


def remote_dump(url: str, run_id: str | None = None) -> RemoteDump:
    """Ask for a dump's name and place, following redirections; nothing is fetched yet.

    Raises
    ------
    DumpError
        It cannot be reached, or not by https.
    """
    _require_safe(url)
    with _request("HEAD", url) as answer:
        found, validator = answer.url, answer.headers.get("ETag", "")
    _require_safe(found)
    name = unquote(urlsplit(found).path.rpartition("/")[2])
    if not name:
        raise DumpError(f"The address {found} names no file.", "Give the address of the dump.")
    return RemoteDump(found, safe_name(name), run_id_of(name, run_id), validator)


def fetch(remote: RemoteDump, folder: Path, on_bytes: OnBytes) -> Path:
    """Fetch a dump; a fetch that was cut off goes on where it ended.

    Raises
    ------
    DumpError
        It did not come whole; what came is kept for the next attempt.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole, part = folder / remote.name, folder / f"{remote.name}.part"
    about = _about(whole)
    same = bool(remote.validator) and _known(about) == [remote.url, remote.validator]
    if same and whole.is_file():
        return whole
    headers = {}
    if same and part.is_file():
        # Only if it has not changed; otherwise the server sends all of it.
        headers = {"Range": f"bytes={part.stat().st_size}-", "If-Range": remote.validator}
    with _request("GET", remote.url, headers) as answer:
        resumes = answer.status_code == 206
        have = part.stat().st_size if resumes else 0
        expected = _expected(answer, have)
        about.write_text(json.dumps([remote.url, answer.headers.get("ETag", "")]))
        with part.open("ab" if resumes else "wb") as file:
            have = _copy(answer, file, have, expected, on_bytes)
    if expected is not None and have != expected:
        raise _cut_off(f"{have} of {expected} bytes came")
    part.replace(whole)
    return whole


def discard(path: Path) -> None:
    """Remove a fetched dump."""
    path.unlink(missing_ok=True)
    _about(path).unlink(missing_ok=True)


def run_id_of(name: str, given: str | None = None) -> str:
    """Return the run that a dump makes: the one given, or that of the date in its name.

    Raises
    ------
    DumpError
        The id is none, or the name holds no date.
    """
    if given is None:
        dated = re.search(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)", name)
        if not dated:
            raise DumpError(
                f"The name {name} holds no date such as 2026-09-30.",
                "Say of which day the dump is: --run-id 20260930T235959Z",
            )
        given = f"{''.join(dated.groups())}{END_OF_DAY}"
    try:
        parse_run_id(given)
    except InvalidKeyError as error:
        raise DumpError(f"{error}.", "A run id is a time (UTC): 20260930T235959Z") from None
    return given


def safe_name(name: str) -> str:
    """Return a name as it may stand in a key and in an address that Spark reads."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")[-150:]
    return safe or "dump.txt"


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        return
    raise DumpError(f"The dump cannot be fetched from {url}.", "Give a path, or an https address.")


@contextmanager
def _request(
    method: str, url: str, headers: Mapping[str, str] | None = None
) -> Iterator["requests.Response"]:
    import requests

    with web.new_session(USER_AGENT) as session:
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
            if not answer.ok:
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
        f"The dump was cut off: {detail}.", "Run the same command again: it goes on from there."
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
        # Not `iter_content`, which drops the last bytes that came before a connection broke.
        while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
            file.write(chunk)
            have += len(chunk)
            on_bytes(have, expected)
    except (OSError, HTTPError) as error:
        raise _cut_off(f"{have} bytes came, then {error}") from error
    return have
