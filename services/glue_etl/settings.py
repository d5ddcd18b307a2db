"""The arguments of the jobs: where data is, what is built, and within which bounds.

Every argument is ``--name value``, because Glue passes a job's arguments as a map of texts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from glue_etl.errors import InvalidArgumentsError
from schemas.ledger.curated_build import BuildId
from schemas.ledger.run import RunId


def _with_slash(uri: str) -> str:
    return uri if uri.endswith("/") else f"{uri}/"


def _split(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


def _shown(uri: str) -> str:
    name = uri.rpartition("/")[2]
    if name.startswith(("_", ".")) or name.endswith("._COPYING_"):
        raise ValueError(f"Spark passes over files with names like {name}: give it another")
    return uri


Folder = Annotated[str, Field(pattern=r"^(s3://[^/]+|file:///)"), AfterValidator(_with_slash)]
FileUri = Annotated[str, Field(pattern=r"^(s3://[^/]+/|file:///).*[^/]$")]
RunIds = Annotated[list[RunId], BeforeValidator(_split)]
Ratio = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]


class Arguments(BaseModel):
    """Root of the jobs' arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, argv: Sequence[str]) -> Self:
        """Read a command line.

        Raises
        ------
        InvalidArgumentsError
            Naming each argument that is missing, unknown or wrong.
        """
        parser = _Parser(prog="glue_etl", allow_abbrev=False, description=cls.__doc__)
        for name, info in cls.model_fields.items():
            parser.add_argument(_flag(name), dest=name, help=info.description, metavar="VALUE")
        found, unknown = parser.parse_known_args(list(argv))
        # Glue adds arguments of its own, and names the job among them.
        if unknown and "--JOB_NAME" not in unknown:
            raise InvalidArgumentsError(f"unknown arguments: {' '.join(unknown)}")
        try:
            return cls.model_validate({k: v for k, v in vars(found).items() if v is not None})
        except ValidationError as error:
            problems = "; ".join(map(_problem, error.errors(include_url=False)))
            raise InvalidArgumentsError(problems) from None


class SessionArguments(Arguments):
    """How Spark runs. On Glue all are left at their defaults: the workers are the job's."""

    master: str | None = Field(None, description="Spark master, such as local[2]; none on Glue")
    driver_memory: str = Field("2g", description="memory of a local Spark")
    shuffle_partitions: Positive = Field(
        64, description="partitions of a shuffle, before small ones are joined"
    )
    file_mib: Positive = Field(
        128, description="shuffled data per output file (MiB); files are several times smaller"
    )


class LakeArguments(Arguments):
    """Where the curated tables are, and what is asked for builds and runs."""

    curated: Folder = Field(description="the curated tables and their records")
    runs: Folder = Field(description="the run ledger")
    database: str | None = Field(
        None, description="Glue database whose tables are switched; none: the record alone counts"
    )
    iceberg_database: str | None = Field(
        None, description="Glue database of the same tables in Iceberg's form; or none"
    )
    keep: Annotated[int, Field(ge=1)] = Field(3, description="published builds that are kept")
    grace_minutes: Annotated[int, Field(ge=0)] = Field(
        60,
        description="how long a build stays after readers left it; Athena's queries may take"
        " 30 minutes",
    )
    warehouse: str | None = Field(
        None, description="Redshift Serverless workgroup to load what is published into; or none"
    )
    warehouse_database: str = Field("dev", description="database of the workgroup")
    warehouse_schema: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = Field(
        "openlake", description="schema of the database"
    )
    warehouse_role: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/")] | None = (
        Field(None, description="ARN of the role by which Redshift reads the curated files")
    )

    pin: BuildId | None = Field(
        None, description="publish this build and keep readers in it until --unpin"
    )
    unpin: bool = Field(False, description="let the next build be published again")
    exclude: RunIds = Field(
        default_factory=list,
        description="runs, by comma, that stay out of the tables; needs --reason",
    )
    include: RunIds = Field(
        default_factory=list, description="excluded runs, by comma, that may come in again"
    )
    reason: str = Field("", description="why a build is pinned, or a run excluded")

    @property
    def has_controls(self) -> bool:
        """Whether a build is to be pinned or unpinned, or a run excluded or included."""
        return bool(self.pin or self.unpin or self.exclude or self.include)

    @model_validator(mode="after")
    def _exclusion_has_a_reason(self) -> Self:
        if self.exclude and not self.reason:
            raise ValueError("--exclude needs --reason")
        return self

    @model_validator(mode="after")
    def _iceberg_is_apart(self) -> Self:
        if self.iceberg_database and self.database in (None, self.iceberg_database):
            raise ValueError("--iceberg-database needs --database, and another one than that")
        return self

    @model_validator(mode="after")
    def _warehouse_is_whole(self) -> Self:
        if self.warehouse and not self.warehouse_role:
            raise ValueError("--warehouse needs --warehouse-role")
        return self


class PublishArguments(LakeArguments):
    """Publish a build that is written."""

    build: BuildId | None = Field(None, description="the build")


class CompactArguments(LakeArguments):
    """Bring the rows of past days into few files."""

    processed: Folder = Field(description="the processed tables")
    compacted: Folder = Field(description="the rows of past days, compacted")
    compact_after_days: Annotated[int, Field(ge=0)] = Field(
        3, description="age of a day in days, from which its rows are compacted"
    )
    compact_days: Annotated[int, Field(ge=0)] = Field(
        10, description="days that a job compacts at most, the oldest first; 0: none"
    )


class JobArguments(CompactArguments, SessionArguments):
    """Build the curated tables from runs that are processed, check them, publish them."""

    run_id: RunIds = Field(
        default_factory=list,
        description="runs, by comma, that must be in the build; others that wait join them",
    )
    previous: BuildId | None = Field(
        None, description="build to go on from; by default the published one"
    )
    full: bool = Field(False, description="build everything anew, from all runs")
    publish: bool = Field(True, description="false: stop when the build is written and checked")
    min_ratio: Ratio = Field(0.5, description="rows a table must have, of its last build's")
    max_ratio: Ratio = Field(10.0, description="rows a table may have, of its last build's")
    slack_rows: Annotated[int, Field(ge=0)] = Field(
        10_000, description="rows by which a table may grow or shrink whatever the ratios say"
    )
    tracked_subjects: Annotated[int, Field(ge=0)] = Field(
        200, description="largest subjects with history and rankings, besides the crawled ones"
    )
    ranking_places: Positive = Field(100, description="places of an author ranking")
    pair_subjects: Positive = Field(1000, description="largest subjects that are paired")
    pair_min_works: Positive = Field(3, description="works that a pair must share")
    pair_limit: Positive = Field(100_000, description="pairs that are kept")


class BulkArguments(SessionArguments):
    """Turn a works dump into processed rows, as a run of their own."""

    dump: Annotated[FileUri, AfterValidator(_shown)] = Field(
        description="the dump: text, or text by gzip (.gz)"
    )
    run_id: RunId = Field(
        description="id of the run: the end of the dump's day, such as 20260930T235959Z"
    )
    processed: Folder = Field(description="the processed tables")
    quarantine: Folder = Field(description="the quarantined records of works")
    runs: Folder = Field(description="the run ledger")
    max_bad_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05, description="share of bad lines above which nothing is loaded"
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArgumentsError(message)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _problem(error: Any) -> str:
    name = _flag(str(error["loc"][0])) if error["loc"] else "arguments"
    return f"{name}: {error['msg']}"
