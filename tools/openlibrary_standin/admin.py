"""Admin endpoint: faults, revision, request log and reset, over HTTP."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from openlibrary_standin.application import Application
from openlibrary_standin.faults import rules_from_json, rules_to_json
from openlibrary_standin.responses import Response, json_response

ADMIN_PREFIX = "/_standin/"


def respond_to_admin(application: Application, method: str, path: str, body: bytes) -> Response:
    """Answer a request below ``/_standin/``.

    ======================  ===================================================================
    GET, PUT ``faults``     rules by fault, ``{"5xx": 0.05, "429": {"requests": [3], "burst": 5}}``
    GET, PUT ``revision``   ``{"revision": 2}``
    GET ``requests``        requests for pages since the last reset
    GET ``subjects``        number of works by subject key
    POST, PUT ``reset``     forget all requests; rules and revision stay
    ======================  ===================================================================
    """
    name = path.removeprefix(ADMIN_PREFIX)
    try:
        if method in ("PUT", "POST"):
            _change(application, name, body)
        return json_response(_view(application, name))
    except KeyError:
        return json_response({"error": f"no such resource: {method} {path}"}, 404)
    except ValueError as error:
        return json_response({"error": str(error)}, 400)


def _change(application: Application, name: str, body: bytes) -> None:
    if name == "reset":
        application.reset()
    elif name == "faults":
        application.faults.rules = rules_from_json(json.loads(body))
    elif name == "revision":
        document = json.loads(body)
        if not isinstance(document, dict) or not isinstance(document.get("revision"), int):
            raise ValueError('{"revision": <int>} is expected')
        application.revision = document["revision"]
    else:
        raise KeyError(name)


def _view(application: Application, name: str) -> Any:
    views: dict[str, Callable[[], Any]] = {
        "faults": lambda: rules_to_json(application.faults.rules),
        "revision": lambda: {"revision": application.revision},
        "requests": lambda: [asdict(request) for request in application.log.all()],
        "subjects": application.subjects,
        "reset": lambda: {"reset": True},
    }
    return views[name]()
