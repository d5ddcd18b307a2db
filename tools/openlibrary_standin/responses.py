"""Answers of the stand-in which are not subject pages."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from openlibrary_standin.parameters import Problem

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, ready to send.

    Attributes
    ----------
    delay
        Seconds to wait before sending.
    cut
        Whether to close the connection in the middle of the body.
    """

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    cut: bool = False


def encode(document: Any) -> bytes:
    """JSON as the OpenLibrary API writes it: compact UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(document: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(status, JSON, encode(document))


def nginx_error(status: int) -> Response:
    """Answer as nginx does, with an HTML page."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Response(status, HTML, page.encode())


def too_many_requests() -> Response:
    """Refuse for the rate: JSON, and no Retry-After (OpenLibrary API)."""
    message = "Too Many Requests. Please use the monthly dumps for bulk data."
    return json_response({"status": 429, "message": message}, 429)


def invalid_parameters(problems: list[Problem]) -> Response:
    """Refuse parameters, as the OpenLibrary API does since 2026-02."""
    return json_response({"detail": problems}, 422)


def internal_server_error() -> Response:
    """Fail as the application server does, for an unknown ``sort`` for one (OpenLibrary API)."""
    return Response(500, "text/plain; charset=utf-8", b"Internal Server Error")


def moved(location: str) -> Response:
    """Redirect for good."""
    page = nginx_error(301)
    return Response(301, HTML, page.body, headers=(("Location", location),))


def page_in_html() -> Response:
    """Return a web page instead of JSON, as a maintenance notice behind a proxy would be."""
    page = "<!DOCTYPE html><html><head><title>Open Library</title></head><body><p>Back soon.</p>"
    return Response(200, HTML, f"{page}</body></html>".encode())


def other_shape(offset: int) -> Response:
    """JSON of another endpoint's shape."""
    return json_response({"numFound": 0, "start": offset, "docs": [], "numFoundExact": True})
