"""The proxy and the choice of scenarios, without a local AWS."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.faults.calls import recognise
from tests.faults.campaign import all_scenarios, selected
from tests.faults.proxy import Fault, FaultProxy

PAGE = "/lake/raw_data/subjects/ingest_date%3D2026-01-01/run_id%3DR/subject%3Ds/offset%3D0.json.gz"
NAME = "ingest.GetObject.page"


class Upstream(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802 (the base class's name)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"whole")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    server = HTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with FaultProxy(lambda: server.server_port) as found:
        yield found
    server.shutdown()
    server.server_close()


def get(proxy: FaultProxy) -> bytes:
    body: bytes = urllib.request.urlopen(proxy.url + PAGE, timeout=10).read()  # noqa: S310
    return body


def test_a_call_is_named_by_caller_operation_and_object() -> None:
    process = {"user-agent": "openlake-process"}
    glue = process | {"x-amz-target": "AWSGlue.GetTable"}
    receipts = "/lake?list-type=2&prefix=runs%2Frun_id%3DR%2Fpages%2F"

    assert recognise("GET", PAGE, {}).name == NAME
    assert recognise("POST", "/", glue).name == "process.GetTable"
    assert recognise("GET", receipts, process).name == "process.ListObjectsV2.receipts"


def test_a_throttled_call_is_refused_as_often_as_was_asked_for(proxy: FaultProxy) -> None:
    with proxy.injecting(Fault(NAME, "throttled")) as plan:
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(proxy)
        assert get(proxy) == b"whole"
    assert plan.calls[NAME] == 2


def test_a_lost_answer_closes_the_connection(proxy: FaultProxy) -> None:
    with proxy.injecting(Fault(NAME, "lost")), pytest.raises(RemoteDisconnected):
        get(proxy)


def test_the_campaign_has_at_least_forty_scenarios_of_different_names() -> None:
    names = [scenario.name for scenario in all_scenarios()]

    assert len(set(names)) == len(names) >= 40


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(LookupError, match="no scenario matches"):
        selected(["nothing:*"])
