"""Clients of the local AWS."""

import json
from http.server import BaseHTTPRequestHandler
from urllib.request import getproxies, proxy_bypass

import pytest

from lake.aws import Cloud
from lake.local.spark import aws_environment
from lake.query.execute import s3_filesystem
from lake.testing.http_server import serving


class _Aws(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # noqa: N802 (its name in http.server)
        self._answer(json.dumps({"Parameter": {"Value": "data"}}).encode())

    def do_HEAD(self) -> None:  # noqa: N802 (its name in http.server)
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _a_proxy_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.delenv(spelling, raising=False)
            if name != "NO_PROXY":
                monkeypatch.setenv(spelling, "http://127.0.0.1:9")


def test_the_local_aws_is_reached_without_the_users_proxy() -> None:
    with serving(_Aws) as url:
        cloud = Cloud(endpoint=url)

        assert cloud.parameter("foundation/data-bucket") == "data"
        assert s3_filesystem(cloud).get_file_info("data/key").is_file


def test_an_emulator_elsewhere_is_reached_through_the_users_proxy() -> None:
    config = Cloud(endpoint="http://emulator.example.org").client("ssm").meta.config

    assert config.proxies is None


def test_a_job_reaches_the_local_aws_without_the_users_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in aws_environment(Cloud(endpoint="http://127.0.0.1:1")).items():
        monkeypatch.setenv(name, value)

    assert "http" in getproxies()
    assert proxy_bypass("127.0.0.1:1")
