"""One page: asked for, verified, stored under a key that no other page has."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import ValidationError

from cleaning.payload import payload_of
from ingest.errors import (
    BodyRefusedError,
    IngestError,
    SourceUnavailableError,
    StateUnreadableError,
    UnexpectedAnswerError,
)
from ingest.logic.pacer import Pacer
from ingest.logic.pages import PageRange, PageResult
from ingest.ports import (
    NewObject,
    ObjectStore,
    Page,
    PageApi,
    Source,
    SourceResponse,
    StoredObject,
    SubjectSpec,
)
from schemas.keys import REFUSED_RESPONSES, RawKey
from schemas.ledger.provenance import RawProvenance
from schemas.ledger.run import PageEntry
from schemas.rows.quarantine import QuarantineRecord
from schemas.version import CONTRACT_VERSION

#: Bytes that are kept of a refused answer.
_LONGEST_PAYLOAD: Final = 256 * 1024


@dataclass
class PageFetcher:
    """Fetches pages of one run, from any number of threads."""

    run_id: str
    source: Source
    api: PageApi
    store: ObjectStore
    pacer: Pacer

    def fetch(
        self,
        spec: SubjectSpec,
        page: PageRange,
        may_send: Callable[[], bool],
        timeout_seconds: float,
    ) -> PageResult:
        """Fetch, verify and store a page.

        A page that is in the store already, because the invocation that stored it was killed, stays
        as it is, and what it holds is the result.

        Parameters
        ----------
        may_send
            Asked right before the request is sent.

        Raises
        ------
        IngestError
            When it could not be fetched; the tag says what to do.
        """
        raw_key = RawKey.of(self.run_id, spec.key, page.offset)
        response = self._request(spec, page, may_send, timeout_seconds)
        try:
            with _unexpected_is_data():
                body = self.api.read(response)
        except BodyRefusedError as refused:
            self._quarantine(raw_key, response, refused)
            raise
        if not body.works:
            return _end_of_listing(page, body, response)
        return self._keep(raw_key, page, body, response)

    def probe(
        self,
        spec: SubjectSpec,
        page: PageRange,
        may_send: Callable[[], bool],
        timeout_seconds: float,
    ) -> PageResult:
        """Fetch and verify a page, and store nothing: it only shows whether the source serves.

        Raises
        ------
        IngestError
            When it could not be fetched.
        """
        response = self._request(spec, page, may_send, timeout_seconds)
        with _unexpected_is_data():
            body = self.api.read(response)
        return _end_of_listing(page, body, response)

    def _request(
        self,
        spec: SubjectSpec,
        page: PageRange,
        may_send: Callable[[], bool],
        timeout_seconds: float,
    ) -> SourceResponse:
        path = self.api.page_path(spec, page.offset, page.limit, details=page.details)
        with _unexpected_is_data():
            return self.source.fetch(path, partial(self.pacer.slot, may_send), timeout_seconds)

    def adopt(self, key: str) -> PageResult:
        """Return the result of a page that an earlier invocation stored.

        Raises
        ------
        StateUnreadableError
            When the object is not a page as ingest stores it.
        """
        stored = self.store.get(key)
        if stored is None:
            raise _unreadable(key, "it was listed and is gone")
        return self._result_of(key, stored)

    def _keep(
        self, raw_key: RawKey, page: PageRange, body: Page, response: SourceResponse
    ) -> PageResult:
        key, digest = raw_key.key, hashlib.sha256(body.wire).hexdigest()
        provenance = RawProvenance(
            url=response.url,
            fetched_at=response.fetched_at,
            http_status=response.status,
            work_count=body.work_count,
            sha256=digest,
            contract_version=CONTRACT_VERSION,
            run_id=raw_key.run_id,
            subject=raw_key.subject,
            offset=page.offset,
            limit=page.limit,
            content_encoding_source="client" if body.compressed_here else "server",
        )
        new = NewObject(body.wire, "application/json", "gzip", provenance.to_metadata())
        if not self.store.create(key, new):
            return self.adopt(key)
        entry = PageEntry(
            key=key, offset=page.offset, works=body.works, bytes=len(body.wire), sha256=digest
        )
        return PageResult(
            page.offset, page.limit, body.work_count, response.fetched_at, entry, body.fingerprints
        )

    def _result_of(self, key: str, stored: StoredObject) -> PageResult:
        digest = hashlib.sha256(stored.body).hexdigest()
        try:
            provenance = RawProvenance.from_metadata(stored.metadata)
            body = self.api.read_stored(stored.body)
        except (ValidationError, BodyRefusedError) as error:
            raise _unreadable(key, str(error)) from error
        if digest != provenance.sha256:
            raise _unreadable(key, "its bytes are not those of its sha256")
        entry = PageEntry(
            key=key,
            offset=provenance.offset,
            works=body.works,
            bytes=len(stored.body),
            sha256=digest,
        )
        return PageResult(
            provenance.offset,
            provenance.limit,
            body.work_count,
            provenance.fetched_at,
            entry,
            body.fingerprints,
        )

    def _quarantine(
        self, raw_key: RawKey, response: SourceResponse, refused: BodyRefusedError
    ) -> None:
        # The digest in the key keeps different refusals of one page apart, and equal ones together.
        digest = hashlib.sha256(response.body).hexdigest()
        key = raw_key.refused_response_key(digest)
        payload = payload_of(response.body, _LONGEST_PAYLOAD)
        record = QuarantineRecord(
            reason_code=refused.code,
            reason_message=refused.message,
            payload=payload.text,
            payload_encoding=payload.encoding,
            payload_truncated=payload.is_truncated,
            table_name=REFUSED_RESPONSES,
            contract_version=CONTRACT_VERSION,
            run_id=raw_key.run_id,
            raw_key=raw_key.key,
            fetched_at=response.fetched_at.isoformat(),
        )
        line = record.model_dump_json().encode() + b"\n"
        self.store.create(key, NewObject(gzip.compress(line, mtime=0), "application/gzip"))


def _unreadable(key: str, problem: str) -> StateUnreadableError:
    return StateUnreadableError(
        f"{key}: {problem}. Somebody changed it: restore its version, see"
        " docs/runbook.md#run-partial",
        code="stored_page_unreadable",
    )


@contextmanager
def _unexpected_is_data() -> Iterator[None]:
    # One answer must not end every invocation that meets it, whatever it holds.
    try:
        yield
    except IngestError:
        raise
    except Exception as error:
        raise UnexpectedAnswerError(f"{type(error).__name__}: {error}") from error


def _end_of_listing(page: PageRange, body: Page, response: SourceResponse) -> PageResult:
    if not body.works and page.offset < body.work_count:
        raise SourceUnavailableError(
            f"no works at offset {page.offset} of {body.work_count} announced", code="empty_page"
        )
    return PageResult(
        page.offset, page.limit, body.work_count, response.fetched_at, None, body.fingerprints
    )
