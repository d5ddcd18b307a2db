"""The Lambda function: one heartbeat of the crawl."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache, partial
from typing import Any, Protocol

from pydantic import ValidationError

from ingest.adapters.http_source import HttpSource
from ingest.adapters.s3_store import S3Store, s3_client
from ingest.adapters.subject_list import read_subject_list
from ingest.errors import ConfigurationError, validation_summary
from ingest.logic.heartbeat import CrawlRules, HeartbeatDependencies, HeartbeatResult, run_heartbeat
from ingest.observability import CrawlObserver, logger
from ingest.openlibrary.api import OpenLibrary
from ingest.openlibrary.body import MAX_WIRE_BYTES
from ingest.ports import ObjectStore, SubjectSpec, Timing
from ingest.settings import Settings, load_settings
from schemas.events import SMOKE_TEST, SMOKE_TEST_PASSED, Heartbeat


class Context(Protocol):
    """The part of Lambda's context that is used."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the function is killed."""


@cache
def _settings() -> Settings:
    settings = load_settings()
    if settings.contact is None:
        logger.warning(
            "no CONTACT is set: OpenLibrary allows 1 request/s without one, and may answer 403"
        )
    if settings.has_default_name:
        logger.warning(
            f"this installation has the default name {settings.app!r}, which it shares with others:"
            " OpenLibrary counts requests by the User-Agent's name, so set LAKE_APP"
        )
    return settings


@cache
def _store(bucket: str, connections: int) -> S3Store:
    return S3Store(s3_client(connections), bucket)


def crawl_rules(settings: Settings) -> CrawlRules:
    """Return the part of the settings that the crawl goes by."""
    return CrawlRules(
        page_size=settings.page_size,
        max_works=settings.max_works_per_subject,
        requests_per_second=settings.requests_per_second,
        run_interval_minutes=settings.run_interval_minutes,
        run_deadline_minutes=settings.run_deadline_minutes,
    )


def subjects_to_crawl(
    heartbeat: Heartbeat, settings: Settings, store: ObjectStore
) -> Sequence[SubjectSpec]:
    """Return the subjects of the heartbeat, or read those that are configured.

    Raises
    ------
    ConfigurationError
        When the list cannot be read, is wrong, or takes too long to crawl.
    """
    if heartbeat.subjects is not None:
        return settings.checked_subjects(json.dumps(heartbeat.subjects))
    text = settings.subjects
    if settings.subjects_is_reference:
        text = read_subject_list(text, store)
    return settings.checked_subjects(text)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Do what one heartbeat asks for.

    Parameters
    ----------
    event
        A :class:`schemas.events.Heartbeat`: ``{"scheduled_time": "2026-11-23T06:00:00Z"}``, and
        ``"start": true`` to begin a run at once, of the ``subjects`` that it names. Or a smoke
        test, which touches nothing: its answer shows that the package can be imported and that the
        settings are right.
    context
        Lambda's context.

    Returns
    -------
    dict
        ``action`` (started, resumed, idle, busy), ``run_id``, ``finished``, ``pages`` stored by
        this invocation, ``status``.

    Raises
    ------
    ConfigurationError
        When a setting or the event is wrong.
    """
    if event == SMOKE_TEST:
        _settings()
        return SMOKE_TEST_PASSED
    heartbeat = _heartbeat(event)
    settings = _settings()
    observer = CrawlObserver(settings.app, settings.env)
    try:
        result = _run(heartbeat, settings, context, observer)
        observer.heartbeat_ended(result)
    except Exception as error:
        observer.heartbeat_failed(error)
        raise
    finally:
        observer.close(_remaining(context))
    return result.to_dict()


def _heartbeat(event: Mapping[str, Any]) -> Heartbeat:
    try:
        return Heartbeat.model_validate(event)
    except ValidationError as error:
        raise ConfigurationError(f"invalid heartbeat event: {validation_summary(error)}") from error


def _remaining(context: Context) -> float:
    return context.get_remaining_time_in_millis() / 1000


def _run(
    heartbeat: Heartbeat, settings: Settings, context: Context, observer: CrawlObserver
) -> HeartbeatResult:
    rules = crawl_rules(settings)
    store = _store(settings.data_bucket, rules.in_flight + 2)
    source = HttpSource(
        settings.source_url,
        settings.user_agent,
        rules.in_flight,
        max_body_bytes=MAX_WIRE_BYTES,
    )
    with closing(source), ThreadPoolExecutor(rules.in_flight, "page") as executor:
        deps = HeartbeatDependencies(
            rules=rules,
            store=store,
            source=source,
            api=OpenLibrary(),
            executor=executor,
            timing=Timing(),
            observer=observer,
            owner=f"{context.aws_request_id}:{uuid.uuid4().hex[:12]}",
            remaining_seconds=partial(_remaining, context),
            read_subjects=partial(subjects_to_crawl, heartbeat, settings, store),
        )
        return run_heartbeat(heartbeat, deps)
