"""The stand-in as an HTTP server on 127.0.0.1."""

import contextlib
import io
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from openlibrary_standin.admin import ADMIN_PREFIX, respond_to_admin
from openlibrary_standin.application import Application, Request
from openlibrary_standin.arrivals import NotedReader, note_arrivals
from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import FaultRules
from openlibrary_standin.request_log import LoggedRequest
from openlibrary_standin.responses import Response

_HOST = "127.0.0.1"


class StandIn:
    """A running OpenLibrary stand-in, as a context manager.

    Parameters
    ----------
    config
        What to serve and how; by default 6000 works without faults.

    Examples
    --------
    >>> with StandIn(StandInConfig(works=500)) as standin:
    ...     standin.faults = {"5xx": FaultRule(rate=0.1)}
    ...     crawl(standin.url)
    ...     assert len(standin.requests()) > 1
    """

    def __init__(self, config: StandInConfig | None = None) -> None:
        config = config or StandInConfig()
        self.application = Application(config)
        self._server = _Server(config.port, self.application)
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Address of the server, without a slash at its end."""
        return f"http://{_HOST}:{self._server.server_address[1]}"

    @property
    def faults(self) -> FaultRules:
        """Rule by fault. Set it to change the rules of the running server."""
        return self.application.faults.rules

    @faults.setter
    def faults(self, rules: FaultRules) -> None:
        self.application.faults.rules = rules

    @property
    def revision(self) -> int:
        """Revision of the catalogue. Set a later one to let it grow."""
        return self.application.revision

    @revision.setter
    def revision(self, revision: int) -> None:
        self.application.revision = revision

    def subjects(self) -> dict[str, int]:
        """Return the number of works by subject key, the largest first."""
        return self.application.subjects()

    def requests(self) -> list[LoggedRequest]:
        """Return the requests for pages since the last reset."""
        return self.application.log.all()

    def reset(self) -> None:
        """Forget all requests; rules and revision stay."""
        self.application.reset()

    def start(self) -> Self:
        """Serve in a thread."""
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close all connections."""
        self._server.stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.close_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = Lock()
        super().__init__((_HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer asks the name service for its own name here, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, self.server_address[1]
        note_arrivals(self.socket)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Buffered, so that headers and a small body leave in one packet.
    wbufsize = 65536
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._noted = NotedReader(self.connection)
        self.rfile = io.BufferedReader(self._noted)

    def do_GET(self) -> None:  # noqa: N802 (named so by http.server)
        self._answer()

    def do_PUT(self) -> None:  # noqa: N802 (named so by http.server)
        self._answer()

    def do_POST(self) -> None:  # noqa: N802 (named so by http.server)
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the request log has it all."""

    def version_string(self) -> str:
        return "nginx"

    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        application = self.server.application
        if url.path.startswith(ADMIN_PREFIX):
            response = respond_to_admin(application, self.command, url.path, body)
        else:
            response = application.respond(
                Request(
                    path=url.path,
                    query_string=url.query,
                    user_agent=self.headers.get("User-Agent", ""),
                    accepts_gzip="gzip" in self.headers.get("Accept-Encoding", ""),
                    address=self.client_address[0],
                    arrived=self._noted.arrived,
                )
            )
        self._send(response)

    def _send(self, response: Response) -> None:
        if response.delay:
            self.server.stopping.wait(response.delay)
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        if response.cut:
            self.wfile.write(response.body[: len(response.body) // 2])
            self.close_connection = True
            return
        self.wfile.write(response.body)
