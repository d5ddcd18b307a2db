"""The errors of process, as a tree; a leaf's ``code`` is stable, in logs and in quarantine.

::

    ProcessError
    +-- TransientError            retry: the message goes back to the queue
    |   +-- StorageError
    |   +-- CatalogueError
    |   +-- OutOfTimeError
    +-- TerminalError             no retry helps: the message ends in the dead-letter queue
    |   +-- InvalidEventError
    |   +-- ForeignBucketError
    |   +-- UnexpectedObjectError
    |   +-- MissingObjectError
    |   +-- InvalidManifestError
    |   +-- UnreadableLedgerError
    |   +-- StorageDeniedError
    |   +-- CatalogueDeniedError
    |   +-- SchemaConflictError
    |   +-- ConservationError
    +-- PageError                 data: the page is quarantined whole
        +-- HostileKeyError
        +-- HashMismatchError
        +-- InvalidProvenanceError
        +-- OtherProvenanceError
        +-- OtherSubjectError
        +-- NotGzipError
        +-- DamagedGzipError
        +-- PageTooLargeError
        +-- TooManyValuesError
        +-- TooManyRecordsError
        +-- NotJsonError
        +-- HtmlPageError
        +-- NotSubjectsPageError
        +-- NoWorkCountError
"""

from __future__ import annotations

from typing import ClassVar


class ProcessError(Exception):
    """Root of the service's errors.

    Parameters
    ----------
    message
        What happened and, where there is something to do, what to do.
    fields
        Values for the log line.
    """

    code: ClassVar[str] = "process"

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.fields = fields


class TransientError(ProcessError):
    """A later attempt may succeed."""

    code = "transient"


class StorageError(TransientError):
    """S3 did not answer as it should."""

    code = "storage.unavailable"


class CatalogueError(TransientError):
    """The Glue catalogue did not answer as it should."""

    code = "catalogue.unavailable"


class OutOfTimeError(TransientError):
    """The invocation has too little time left to try."""

    code = "invocation.out_of_time"


class TerminalError(ProcessError):
    """No later attempt can succeed before somebody acts."""

    code = "terminal"


class InvalidEventError(TerminalError):
    """A message's body is not an S3 event."""

    code = "event.invalid"


class ForeignBucketError(TerminalError):
    """An event names a bucket that is not the lake's."""

    code = "event.foreign_bucket"


class UnexpectedObjectError(TerminalError):
    """An event names an object that this service does not read."""

    code = "event.unexpected_object"


class MissingObjectError(TerminalError):
    """The object that an event names is gone."""

    code = "object.missing"


class InvalidManifestError(TerminalError):
    """A run's manifest does not fit its contract, or is that of another run."""

    code = "manifest.invalid"


class UnreadableLedgerError(TerminalError):
    """A receipt or another object of a run's ledger does not fit its contract."""

    code = "ledger.unreadable"


class StorageDeniedError(TerminalError):
    """The function's role may not do this in S3."""

    code = "storage.denied"


class CatalogueDeniedError(TerminalError):
    """The function's role may not do this in the Glue catalogue."""

    code = "catalogue.denied"


class SchemaConflictError(TerminalError):
    """A column's type in the catalogue differs from the contract's."""

    code = "catalogue.schema_conflict"


class ConservationError(TerminalError):
    """Rows and rejected records do not add up to the page's records: a defect of this service."""

    code = "records.not_conserved"


class PageError(ProcessError):
    """A page that cannot be processed; it is quarantined whole."""

    code = "page.invalid"


class HostileKeyError(PageError):
    """The key is under the raw prefix but is not one that ingest makes."""

    code = "page.hostile_key"


class HashMismatchError(PageError):
    """The bytes are not those that the provenance describes."""

    code = "page.hash_mismatch"


class InvalidProvenanceError(PageError):
    """The object's metadata is neither the provenance of a page nor absent."""

    code = "page.invalid_provenance"


class OtherProvenanceError(PageError):
    """The provenance is that of another page, or of a response that was not a success."""

    code = "page.other_provenance"


class OtherSubjectError(PageError):
    """The page itself says that it is about another subject than its key."""

    code = "page.other_subject"


class NotGzipError(PageError):
    """The bytes are not gzip."""

    code = "page.not_gzip"


class DamagedGzipError(PageError):
    """The gzip stream is truncated or damaged."""

    code = "page.damaged_gzip"


class PageTooLargeError(PageError):
    """The page is larger than a page can be, stored or decompressed."""

    code = "page.too_large"


class TooManyValuesError(PageError):
    """The page has more values than any page can have: it would take more memory than there is."""

    code = "page.too_many_values"


class TooManyRecordsError(PageError):
    """The page has more records than were asked for."""

    code = "page.too_many_records"


class NotJsonError(PageError):
    """The text is not JSON."""

    code = "page.not_json"


class HtmlPageError(PageError):
    """The text is an HTML page, as proxies send with errors."""

    code = "page.html"


class NotSubjectsPageError(PageError):
    """The JSON is not a page of a subject."""

    code = "page.not_subjects_page"


class NoWorkCountError(PageError):
    """``work_count`` is null: the source's search had failed, so the page says nothing."""

    code = "page.no_work_count"
