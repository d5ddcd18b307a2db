"""An AWS endpoint that costs the measured process nothing: S3 and Glue in a process of their own.

Run as ``python -m benchmarks.process.suite.endpoint``; it prints its URL, and ends with its
standard input. ``GET /_/calls`` gives and clears the calls.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_NOT_FOUND: Final = b"<Error><Code>NoSuchKey</Code><Message>absent</Message></Error>"
_TAKEN: Final = b"<Error><Code>PreconditionFailed</Code><Message>taken</Message></Error>"


class State:
    """What the endpoint holds: objects with their metadata, tables, and the calls so far."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    """Answers what boto3 and awswrangler ask while they write a page."""

    protocol_version = "HTTP/1.1"
    # One segment per answer, sent at once: otherwise delayed acknowledgements cost 40 ms each.
    wbufsize = 1 << 20
    disable_nagle_algorithm = True
    state = State()

    def do_GET(self) -> None:  # noqa: N802  # named so by http.server
        """Return an object, a listing, or the calls."""
        path, query = self._target()
        if path == "/_/calls":
            self._answer(200, json.dumps(self.state.calls).encode())
            self.state.calls.clear()
        elif "list-type" in query:
            self._list(path, query.get("prefix", [""])[0])
        else:
            self._object("GetObject", path, with_body=True)

    def do_HEAD(self) -> None:  # noqa: N802  # named so by http.server
        """Describe an object."""
        self._object("HeadObject", self._target()[0], with_body=False)

    def do_PUT(self) -> None:  # noqa: N802  # named so by http.server
        """Keep an object."""
        path, _ = self._target()
        self.state.calls["PutObject"] += 1
        body = self._body()
        if self.headers.get("If-None-Match") and path in self.state.objects:
            self._answer(412, _TAKEN)
            return
        metadata = {
            name: value
            for name, value in self.headers.items()
            if name.lower().startswith("x-amz-meta-")
        }
        self.state.objects[path] = (body, metadata)
        self._answer(200, b"", {"ETag": _etag(body)})

    def do_DELETE(self) -> None:  # noqa: N802  # named so by http.server
        """Forget every object under a path."""
        path, _ = self._target()
        for key in [key for key in self.state.objects if key.startswith(path)]:
            del self.state.objects[key]
        self._answer(204, b"")

    def do_POST(self) -> None:  # noqa: N802  # named so by http.server
        """Answer a call to the Glue catalogue."""
        call = self.headers["X-Amz-Target"].partition(".")[2]
        self.state.calls[call] += 1
        request = json.loads(self._body())
        if call == "GetTable" and request["Name"] not in self.state.tables:
            fault = {"__type": "EntityNotFoundException", "Message": "no such table"}
            self._answer(
                400, json.dumps(fault).encode(), {"Content-Type": "application/x-amz-json-1.1"}
            )
            return
        answer: dict[str, Any] = {}
        if call == "GetTable":
            answer = {"Table": self.state.tables[request["Name"]]}
        elif call in {"CreateTable", "UpdateTable"}:
            self.state.tables[request["TableInput"]["Name"]] = request["TableInput"]
        elif call == "BatchCreatePartition":
            answer = {"Errors": []}
        self._answer(
            200, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"}
        )

    def handle_expect_100(self) -> bool:
        """Invite the body at once: boto3 waits for that before it sends one."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _target(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        parts = []
        while body:
            size, _, body = body.partition(b"\r\n")
            length = int(size.partition(b";")[0], 16)
            if not length:
                break
            parts.append(body[:length])
            body = body[length + 2 :]
        return b"".join(parts)

    def _object(self, call: str, path: str, *, with_body: bool) -> None:
        self.state.calls[call] += 1
        found = self.state.objects.get(path)
        if found is None:
            self._answer(404, _NOT_FOUND if with_body else b"")
            return
        body, metadata = found
        headers = {
            "ETag": _etag(body),
            "Last-Modified": "Mon, 23 Nov 2026 06:00:00 GMT",
            **metadata,
        }
        self._answer(200, body, headers, with_body=with_body)

    def _list(self, path: str, prefix: str) -> None:
        self.state.calls["ListObjectsV2"] += 1
        bucket = path.strip("/")
        start = f"/{bucket}/{prefix}"
        found = {
            key.removeprefix(f"/{bucket}/"): body
            for key, (body, _) in self.state.objects.items()
            if key.startswith(start)
        }
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>{escape(_etag(body))}</ETag></Contents>"
            for key, body in sorted(found.items())
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        self._answer(200, body.encode())

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        with_body: bool = True,
    ) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _etag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


def main() -> None:
    """Serve until standard input ends, which it does when whoever started this is gone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
