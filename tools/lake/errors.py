"""What can go wrong in the command line, each with what to do next.

LakeError
├── ConfigError            lake.toml, or a variable in its place, is wrong
├── PrerequisiteError      something must be installed first
├── AwsError               AWS cannot be reached, or refused a request
├── StorageError           a file of this machine cannot be written
├── UnreadableObjectError  an object of a bucket is damaged
├── PackagingError         Pants could not build a package
├── LocalAwsError          the local AWS cannot do what was asked
│   ├── PortInUseError
│   ├── LocalAwsDownError
│   └── LocalAwsStartError
├── DeployError
│   ├── NotDeployedError
│   ├── ArtifactMissingError
│   └── StackFailedError
├── SourceUnreachableError the API to crawl does not answer
├── CrawlBusyError         another crawl of this clone is going on
│   └── DemoBusyError
├── RunFailedError         a crawl or its processing did not finish
│   └── RunStalledError    nothing has moved for too long
├── EtlError
│   ├── EtlFailedError     a job of the ETL failed
│   ├── EtlBusyError       another run is in progress
│   └── DumpError          a dump is missing or is not a works dump
├── CheckError             there is nothing to check
├── LogsError              there is no such log
├── ReplayError            there is nothing to send again, or it could not be sent
├── QueryError             the statement is not one that the lake can answer
│   └── UnknownTableError
├── ReportError            the report could not be made
└── SupersetError          Superset could not be set up, or does not show what it should
"""


class LakeError(Exception):
    """An error shown to the user as one line and a hint.

    Parameters
    ----------
    message
        What is wrong.
    hint
        What to do next; empty if the message says it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(LakeError):
    """`lake.toml`, or what replaces a setting of it, cannot be read or is wrong."""


class PrerequisiteError(LakeError):
    """Something must be installed first."""


class AwsError(LakeError):
    """AWS cannot be reached, or refused a request."""


class StorageError(LakeError):
    """A file of this machine cannot be written."""


class UnreadableObjectError(LakeError):
    """An object of a bucket is damaged: it is not what its key says."""


class PackagingError(LakeError):
    """Pants could not build a package."""


class LocalAwsError(LakeError):
    """The local AWS cannot do what was asked."""


class PortInUseError(LocalAwsError):
    """Something else listens on the port of the local AWS."""


class LocalAwsDownError(LocalAwsError):
    """The local AWS is not running."""


class LocalAwsStartError(LocalAwsError):
    """The local AWS was started and did not become ready."""


class DeployError(LakeError):
    """A deployment could not be done."""


class NotDeployedError(DeployError):
    """A stack that is needed first is not deployed."""


class ArtifactMissingError(DeployError):
    """The package that a stack refers to is not in the artifact bucket."""


class StackFailedError(DeployError):
    """CloudFormation could not create or update a stack."""


class SourceUnreachableError(LakeError):
    """The API to crawl does not answer."""


class CrawlBusyError(LakeError):
    """Another crawl of this clone is going on."""


class DemoBusyError(CrawlBusyError):
    """Another demo is running in this clone."""


class RunFailedError(LakeError):
    """A crawl or its processing did not finish."""


class RunStalledError(RunFailedError):
    """A crawl or its processing has not moved for too long."""


class EtlError(LakeError):
    """The curated tables could not be brought up to date."""


class EtlFailedError(EtlError):
    """A job of the ETL failed.

    Parameters
    ----------
    message, hint
        As for every error.
    code
        The job's own error code, such as `rules.failed`; empty if it gave none.
    """

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class EtlBusyError(EtlError):
    """Another run of the ETL is in progress."""


class DumpError(EtlError):
    """A dump is missing or is not a works dump."""


class CheckError(LakeError):
    """There is nothing to check, or no run of that id."""


class LogsError(LakeError):
    """There is no such log, or no such age."""


class ReplayError(LakeError):
    """What is to be sent again is not named, or could not be sent."""


class QueryError(LakeError):
    """The statement is not one that the lake can answer."""


class UnknownTableError(QueryError):
    """The statement names a table that is not in the catalogue."""


class ReportError(LakeError):
    """The report could not be made."""


class SupersetError(LakeError):
    """Superset could not be set up, or does not show what it should."""
