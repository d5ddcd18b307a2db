"""The errors of glue_etl, as a tree; a leaf's ``code`` is stable, in logs and in the job's result.

::

    EtlError
    +-- TransientError            a later attempt may succeed
    |   +-- StorageError
    |   +-- CatalogueError
    |   +-- WarehouseError
    |   +-- LeaseHeldError
    |   +-- LeaseLostError
    +-- TerminalError             no attempt succeeds before somebody acts
    |   +-- InvalidArgumentsError
    |   +-- StorageDeniedError
    |   +-- CatalogueDeniedError
    |   +-- JavaMissingError
    |   +-- RunNotProcessedError
    |   +-- NoRunsError
    |   +-- BuildMissingError
    |   +-- BuildPinnedError
    |   +-- RunExcludedError
    |   +-- DumpMissingError
    |   +-- RunTakenError
    |   +-- LedgerUnreadableError
    |   +-- ConservationError
    +-- DataError                 the data is not what it must be; what is published stays
        +-- RulesFailedError
        +-- RunsLeftOutError
        +-- BuildDamagedError
        +-- DayDamagedError
        +-- DayUnfitError
        +-- EmptyDumpError
        +-- TruncatedDumpError
        +-- DamagedDumpError
        +-- TooManyBadLinesError
"""

from __future__ import annotations

from typing import ClassVar


class EtlError(Exception):
    """Root of the service's errors.

    Parameters
    ----------
    message
        What happened and, where there is something to do, what to do.
    fields
        Values for the job's result.
    """

    code: ClassVar[str] = "etl"

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.fields = fields


class TransientError(EtlError):
    """A later attempt may succeed."""

    code = "transient"


class StorageError(TransientError):
    """Files could not be read or written."""

    code = "storage.unavailable"


class CatalogueError(TransientError):
    """The Glue catalogue did not answer as it should."""

    code = "catalogue.unavailable"


class WarehouseError(TransientError):
    """The warehouse was not loaded; what is published is published all the same."""

    code = "warehouse.failed"


class LeaseHeldError(TransientError):
    """Another process builds, publishes or cleans; it goes on renewing its lease."""

    code = "lease.held"


class LeaseLostError(TransientError):
    """The process paused for so long that another one took its lease."""

    code = "lease.lost"


class TerminalError(EtlError):
    """No later attempt can succeed before somebody acts."""

    code = "terminal"


class InvalidArgumentsError(TerminalError):
    """The job's arguments do not fit their model."""

    code = "arguments.invalid"


class StorageDeniedError(TerminalError):
    """The job may not read, write or delete a file."""

    code = "storage.denied"


class CatalogueDeniedError(TerminalError):
    """The job's role may not do this in the Glue catalogue."""

    code = "catalogue.denied"


class JavaMissingError(TerminalError):
    """There is no Java that Spark can run on."""

    code = "java.missing"


class RunNotProcessedError(TerminalError):
    """A run was asked for that process has not finished."""

    code = "run.not_processed"


class NoRunsError(TerminalError):
    """There is no run to build tables from."""

    code = "run.none"


class BuildMissingError(TerminalError):
    """The build that was to be the basis of the next, or to be published, has no record."""

    code = "build.missing"


class BuildPinnedError(TerminalError):
    """Readers are pinned to another build."""

    code = "build.pinned"


class RunExcludedError(TerminalError):
    """A run was asked for that somebody excluded."""

    code = "run.excluded"


class DumpMissingError(TerminalError):
    """There is no dump at the given place."""

    code = "dump.missing"


class RunTakenError(TerminalError):
    """A dump was to be loaded as a run that is a crawl, or another dump's."""

    code = "run.taken"


class ConservationError(TerminalError):
    """Lines that were parsed are not as many as the dump has: a defect of this service."""

    code = "records.not_conserved"


class LedgerUnreadableError(TerminalError):
    """A record of a run, a build or a day is not what was written."""

    code = "ledger.unreadable"


class DataError(EtlError):
    """The data is not what it must be; what is published stays."""

    code = "data"


class RulesFailedError(DataError):
    """Data-quality rules were broken; the message names them."""

    code = "rules.failed"


class RunsLeftOutError(DataError):
    """Runs that break a data-quality rule were left out; the rest is published."""

    code = "runs.left_out"


class BuildDamagedError(DataError):
    """A build's files are not those of its record, or tables with rows have none."""

    code = "build.damaged"


class DayDamagedError(DataError):
    """A day's compacted files are not those of its record."""

    code = "compacted.damaged"


class DayUnfitError(DataError):
    """A day cannot be compacted: its files are not what its ledgers say, or they change."""

    code = "compaction.unfit"


class EmptyDumpError(DataError):
    """The dump holds no line."""

    code = "dump.empty"


class TruncatedDumpError(DataError):
    """The dump's compressed stream ends too early."""

    code = "dump.truncated"


class DamagedDumpError(DataError):
    """The dump's compressed stream cannot be read."""

    code = "dump.damaged"


class TooManyBadLinesError(DataError):
    """Too many lines break the contract for a dump of works."""

    code = "dump.bad_lines"
