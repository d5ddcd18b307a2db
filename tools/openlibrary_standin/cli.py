"""Command line of the stand-in."""

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import FAULTS, FaultRule, parse_fault
from openlibrary_standin.server import StandIn


def parse_arguments(arguments: Sequence[str] | None = None) -> StandInConfig:
    """Read the command line; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="openlibrary_standin",
        description="Serve the OpenLibrary subjects API on 127.0.0.1 from a generated catalogue.",
        epilog="Faults: " + "; ".join(f"{name}: {text}" for name, text in FAULTS.items()),
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 for a free one")
    add("--works", type=int, default=6000, help="works over all headline subjects")
    add("--seed", type=int, default=1)
    add("--revision", type=int, default=0, help="a later revision has grown")
    add("--latency-ms", type=float, default=0.0)
    add("--bad-record-share", type=float, default=0.0, metavar="SHARE", help="from 0 to 1")
    add("--legacy-fields", action="store_true", help="works have lendinglibrary")
    add("--any-user-agent", action="store_true", help="no 403 for an anonymous User-Agent")
    add("--rate-limit", action="store_true", help="180 requests a minute, burst 25")
    add("--subject", type=_subject, action="append", default=[], metavar="KEY=WORKS")
    add("--captured", type=_captured, action="append", default=[], metavar="KEY=PATH")
    add("--fault", type=_fault, action="append", default=[], metavar="NAME=RATE|@N,...[:...]")
    options = vars(parser.parse_args(arguments))
    options["enforce_user_agent"] = not options.pop("any_user_agent")
    options["enforce_rate_limit"] = options.pop("rate_limit")
    options["subject_works"] = dict(options.pop("subject"))
    options["captured"] = dict(options["captured"])
    options["faults"] = dict(options.pop("fault"))
    return StandInConfig(**options)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; print one JSON line with the URL when ready."""
    config = parse_arguments(arguments)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with StandIn(config) as standin:
        print(json.dumps({"url": standin.url, "works": config.works}), flush=True)
        stop.wait()


def _subject(text: str) -> tuple[str, int]:
    key, _, works = text.rpartition("=")
    return key, int(works)


def _captured(text: str) -> tuple[str, Path]:
    key, _, path = text.partition("=")
    return key, Path(path)


def _fault(text: str) -> tuple[str, FaultRule]:
    name, rule = parse_fault(text)
    if name not in FAULTS:
        raise argparse.ArgumentTypeError(f"unknown fault {name}; known are {', '.join(FAULTS)}")
    return name, rule
