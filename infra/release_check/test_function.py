"""The check of releases, with a Lambda and a CloudFormation of its own."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from infra.release_check import function
from schemas.events import SMOKE_TEST, SMOKE_TEST_PASSED

VERSION = "arn:aws:lambda:eu-west-1:123456789012:function:openlake-dev-process:"


class FakeLambda:
    """Answers each invocation in the same way."""

    def __init__(self, answer: object, error: str = "") -> None:
        self.answer = answer
        self.error = error
        self.invoked: list[tuple[str, object]] = []

    def invoke(self, **request: str) -> dict[str, Any]:
        self.invoked.append((request["FunctionName"], json.loads(request["Payload"])))
        if isinstance(self.answer, Exception):
            raise self.answer
        made: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(self.answer).encode())}
        return made | ({"FunctionError": self.error} if self.error else {})


class CloudFormation:
    """Takes the response to one request."""

    def __init__(self) -> None:
        self.responses: list[dict[str, Any]] = []
        self.types: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:  # noqa: N802 (the name that the library calls)
                outer.types.append(self.headers["Content-Type"])
                length = int(self.headers["Content-Length"])
                outer.responses.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/response"


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """A CloudFormation that listens."""
    made = CloudFormation()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def check(
    cloudformation: CloudFormation,
    fake: FakeLambda,
    monkeypatch: pytest.MonkeyPatch,
    kind: str = "Create",
    number: int = 2,
    before: int | None = None,
) -> dict[str, Any]:
    """Send one request; return the response."""
    monkeypatch.setattr("boto3.client", lambda *_args, **_options: fake)
    event: dict[str, Any] = {
        "RequestType": kind,
        "ResponseURL": cloudformation.url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "SmokeTest",
        "ResourceProperties": {"FunctionVersion": f"{VERSION}{number}"},
    }
    if before is not None:
        event["OldResourceProperties"] = {"FunctionVersion": f"{VERSION}{before}"}
    function.handler(event, None)
    (response,) = cloudformation.responses
    return response


def test_it_speaks_as_the_services_do() -> None:
    assert (function.SMOKE_TEST, function.PASSED) == (SMOKE_TEST, SMOKE_TEST_PASSED)


def test_a_version_that_answers_passes(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeLambda(SMOKE_TEST_PASSED)

    response = check(cloudformation, fake, monkeypatch)

    assert fake.invoked == [(f"{VERSION}2", SMOKE_TEST)]
    assert response["Status"] == "SUCCESS"
    identity = ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
    assert [response[name] for name in identity] == ["stack", "request", "SmokeTest", "SmokeTest"]
    # The presigned address of AWS is signed for no type.
    assert cloudformation.types == [""]


@pytest.mark.parametrize(
    ("fake", "reason"),
    [
        (
            FakeLambda({"errorType": "ImportError", "errorMessage": "no numpy"}, "Unhandled"),
            "ImportError: no numpy",
        ),
        (FakeLambda({"batchItemFailures": []}), "it answered {'batchItemFailures': []}"),
        (FakeLambda(TimeoutError("100 s")), "TimeoutError: 100 s"),
        (FakeLambda(ValueError("x" * 9000)), "ValueError: xxx"),
    ],
    ids=["error", "other-answer", "no-answer", "long"],
)
def test_a_version_that_does_not_is_refused_with_the_reason(
    cloudformation: CloudFormation,
    monkeypatch: pytest.MonkeyPatch,
    fake: FakeLambda,
    reason: str,
) -> None:
    response = check(cloudformation, fake, monkeypatch)

    assert response["Status"] == "FAILED"
    assert f"process:2 fails its smoke test and gets no traffic. {reason}" in response["Reason"]
    assert len(json.dumps(response)) < 4096


@pytest.mark.parametrize(
    ("kind", "number", "before", "tried"),
    [
        ("Update", 3, 2, True),
        # The next number has a digit more.
        ("Update", 10, 9, True),
        # An update is undone: nothing may keep the version before from its return.
        ("Update", 2, 3, False),
        ("Update", 9, 10, False),
        ("Delete", 2, None, False),
    ],
)
def test_only_a_version_that_is_new_is_tried(
    cloudformation: CloudFormation,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    number: int,
    before: int | None,
    tried: bool,
) -> None:
    fake = FakeLambda(RuntimeError("down"))

    response = check(cloudformation, fake, monkeypatch, kind, number, before)

    assert bool(fake.invoked) is tried
    assert response["Status"] == ("FAILED" if tried else "SUCCESS")
