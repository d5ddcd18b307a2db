"""A boto3 session that makes each client once."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


class MemoisingSession(boto3.Session):  # type: ignore[misc]  # boto3 has no types
    """A session that returns the same client for the same service.

    awswrangler asks its session for a new client on every call, and making one costs more than the
    call.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._clients: dict[str, Any] = {}

    def client(self, service_name: str, *_: Any, **settings: Any) -> Any:
        """Return the service's client; the first caller's settings hold, with bounded timeouts."""
        if service_name not in self._clients:
            timeouts = Config(
                connect_timeout=3,
                read_timeout=20,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=10,
                # botocore would compose its own anew for every call, a sixth of the call's time.
                user_agent="openlake-process",
            )
            given = settings.pop("config", None)
            settings["config"] = given.merge(timeouts) if given else timeouts
            self._clients[service_name] = super().client(service_name, **settings)
        return self._clients[service_name]
