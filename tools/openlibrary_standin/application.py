"""From a request to an answer: policies, faults, parameters, page. No sockets here."""

import gzip
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from urllib.parse import quote, unquote

from openlibrary_standin import responses
from openlibrary_standin.captured import CapturedSubjects
from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import Fate, FaultPlan
from openlibrary_standin.parameters import (
    ParameterError,
    Query,
    Sort,
    UnknownSortError,
    parse_query,
    raw_parameters,
)
from openlibrary_standin.policies import RateLimit, identifies_itself
from openlibrary_standin.request_log import LoggedRequest, RequestLog
from openlibrary_standin.responses import Response
from openlibrary_standin.works.caching import BoundedCache
from openlibrary_standin.works.catalogue import Catalogue, empty_page
from openlibrary_standin.works.draws import Draws
from openlibrary_standin.works.keys import normalise_subject

_SUBJECT_PATH = re.compile(r"/subjects/([^/]+)\.json")


@dataclass(frozen=True, slots=True)
class Request:
    """What the stand-in reads of an HTTP request.

    ``arrived`` is the monotonic second at which it reached the socket; None: right now.
    """

    path: str
    query_string: str = ""
    user_agent: str = ""
    accepts_gzip: bool = False
    address: str = "127.0.0.1"
    arrived: float | None = None


class Application:
    """The OpenLibrary subjects API without its sockets; thread-safe.

    Parameters
    ----------
    config
        What to serve and how.
    clock
        Monotonic time in seconds.
    """

    def __init__(self, config: StandInConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._captured = CapturedSubjects(config.captured)
        self._rate_limit = RateLimit()
        self._pages: BoundedCache[tuple[object, ...], bytes] = BoundedCache(config.cache_bytes, len)
        self.faults = FaultPlan(config.seed, config.faults)
        self.log = RequestLog()
        self.revision = config.revision
        self.reset()

    @property
    def revision(self) -> int:
        """Revision of the catalogue that is served."""
        return self._revision

    @revision.setter
    def revision(self, revision: int) -> None:
        config = self._config
        self._catalogue = Catalogue(
            config.works,
            config.seed,
            revision,
            subject_works=config.subject_works,
            legacy_fields=config.legacy_fields,
            bad_record_share=config.bad_record_share,
        )
        self._revision = revision

    def subjects(self) -> dict[str, int]:
        """Return the number of works of every generated subject, the largest first."""
        return self._catalogue.subjects()

    def reset(self) -> None:
        """Forget all requests: the log, the rate limit and the counts behind faults."""
        self._searches = count()
        self._rate_limit.reset()
        self.faults.reset()
        self.log.reset()

    def respond(self, request: Request) -> Response:
        """Answer a request and log it."""
        arrived = self._clock() if request.arrived is None else request.arrived
        params = raw_parameters(request.query_string)
        response, faults = self._through_nginx(request, params, arrived)
        self.log.add(
            LoggedRequest(
                arrived, request.path, params, response.status, request.user_agent, faults
            )
        )
        return replace(response, delay=response.delay + self._config.latency_ms / 1000)

    def _through_nginx(
        self, request: Request, params: Mapping[str, str], now: float
    ) -> tuple[Response, tuple[str, ...]]:
        match = _SUBJECT_PATH.fullmatch(request.path)
        if match is None:
            return responses.nginx_error(404), ()
        if self._config.enforce_user_agent and not identifies_itself(request.user_agent):
            return responses.nginx_error(403), ()
        held_back: float | None = 0.0
        if self._config.enforce_rate_limit:
            held_back = self._rate_limit.delay(request.address, now)
        if held_back is None:
            return responses.too_many_requests(), ()
        raw_key = unquote(match[1])
        offset = params.get("offset", "0")
        fate = self.faults.next_fate(
            normalise_subject(raw_key), int(offset) if offset.isdecimal() else 0
        )
        response = self._with_faults(request, raw_key, params, fate)
        return replace(response, delay=response.delay + held_back), tuple(fate.faults)

    def _with_faults(
        self, request: Request, raw_key: str, params: Mapping[str, str], fate: Fate
    ) -> Response:
        response = self._instead(raw_key, params, fate)
        if response is None:
            response = self._from_upstream(request, raw_key, params, fate)
        if "slow" in fate.faults:
            response = replace(response, delay=fate.faults["slow"].seconds)
        if "truncated-gzip" in fate.faults:
            response = replace(response, body=response.body[: len(response.body) // 2])
        return replace(response, cut="cut" in fate.faults)

    def _instead(self, raw_key: str, params: Mapping[str, str], fate: Fate) -> Response | None:
        """Answer of the first fault that stands in place of a page; None when there is none."""
        number = fate.number
        failed = empty_page(normalise_subject(raw_key)) | {"work_count": None}
        makers: dict[str, Callable[[], Response]] = {
            "down": lambda: responses.nginx_error(503),
            "429": responses.too_many_requests,
            "403": lambda: responses.nginx_error(403),
            "5xx": lambda: responses.nginx_error(502 + Draws("5xx", number).below(3)),
            "500": responses.internal_server_error,
            "html": responses.page_in_html,
            "null-count": lambda: responses.json_response(failed),
            "other-shape": lambda: responses.other_shape(number),
        }
        return next((make() for name, make in makers.items() if name in fate.faults), None)

    def _from_upstream(
        self, request: Request, raw_key: str, params: Mapping[str, str], fate: Fate
    ) -> Response:
        if raw_key != raw_key.lower():
            query = f"?{request.query_string}" if request.query_string else ""
            return responses.moved(f"/subjects/{quote(raw_key.lower(), safe=':')}.json{query}")
        try:
            query_of_page = parse_query(params)
        except ParameterError as error:
            return responses.invalid_parameters(error.problems)
        except UnknownSortError:
            return responses.internal_server_error()
        removed = 0
        if "churn" in fate.faults:
            removed = 1 + Draws(self._config.seed, "churn", fate.number).below(5)
        key = normalise_subject(raw_key)
        return self._page(key, query_of_page, removed, request.accepts_gzip)

    def _page(self, key: str, query: Query, removed: int, accepts_gzip: bool) -> Response:
        # Two replicas take turns, and only ties of sort=editions tell them apart.
        replica = next(self._searches) % 2 if query.sort is Sort.EDITIONS else 0
        catalogue, revision = self._catalogue, self._revision

        def make() -> bytes:
            page = self._captured.page(key, query)
            if page is None:
                page = catalogue.page(key, query, replica=replica, removed=removed)
            return responses.encode(page)

        name = key, query, replica, removed, revision
        body = self._pages.get(name, make)
        if not accepts_gzip:
            return Response(200, responses.JSON, body)
        packed = self._pages.get((*name, "gzip"), lambda: gzip.compress(body, 1, mtime=0))
        headers = (("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        return Response(200, responses.JSON, packed, headers)
