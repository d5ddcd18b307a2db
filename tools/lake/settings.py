"""What the user has set: `lake.toml`, environment variables and options, over the defaults."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lake.aws import APP
from lake.errors import ConfigError
from lake.project import Project
from lake.suggestions import did_you_mean
from schemas.source.clients import Contact
from schemas.source.subjects import ConfiguredSubject

FILE: Final = "lake.toml"
LOCAL: Final = "local"
DEFAULT_PORT: Final = 4566
SUBJECTS: Final = (
    "love",
    "history",
    "science_fiction",
    "fantasy",
    "philosophy",
    "adventure",
    "place:london",
    "time:19th_century",
    "person:sherlock_holmes",
)

#: The environment variables of each setting, the first one that is set counts.
VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "app": ("LAKE_APP",),
    "environment": ("LAKE_ENV",),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "contact": ("LAKE_CONTACT",),
    "port": ("LAKE_PORT",),
    "endpoint": ("AWS_ENDPOINT_URL",),
    "subjects": ("LAKE_SUBJECTS",),
}

#: The options that replace a setting for one call.
OPTIONS: Final[Mapping[str, str]] = {
    "environment": "--env",
    "contact": "--contact",
    "port": "--port",
    "endpoint": "--endpoint",
    "subjects": "--subject",
}

Origin = Literal["default", "lake.toml", "variable", "option"]


def _listed(subjects: Any) -> Any:
    """Read a list; `dogs,cats` and JSON are forms that an environment variable can hold."""
    if isinstance(subjects, str):
        text = subjects.strip()
        if not text.startswith("["):
            return text.split(",")
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"not a JSON list: {error}") from None
    return subjects


def _distinct(subjects: tuple[ConfiguredSubject, ...]) -> tuple[ConfiguredSubject, ...]:
    # OpenLibrary drops punctuation and case: 'C#' and 'c' are one subject.
    return tuple({one.key: one for one in subjects}.values())


class LakeSettings(BaseModel):
    """The settings of `./lake` on this machine; each is a key of `lake.toml`.

    Attributes
    ----------
    app
        Name of the installation: first part of every name, and of the User-Agent.
    environment
        Environment that commands work on without `--env`.
    region
        Region of AWS; without one, that of the profile.
    contact
        E-mail address or URL that the source is told.
    port
        Port of 127.0.0.1 that the local AWS listens on.
    endpoint
        URL of an emulator that already runs, in place of the local AWS.
    subjects
        What `./lake ingest` crawls on this machine without `--subject`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    app: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,14}[a-z0-9]$")] = APP
    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,7}$")] = LOCAL
    region: Annotated[str | None, Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-[0-9]+$")] = None
    contact: Contact | None = None
    port: Annotated[int, Field(ge=1024, le=65535)] = DEFAULT_PORT
    endpoint: str | None = None
    subjects: Annotated[
        tuple[ConfiguredSubject, ...],
        BeforeValidator(_listed),
        AfterValidator(_distinct),
        Field(min_length=1),
    ] = tuple(ConfiguredSubject(subject=name) for name in SUBJECTS)


@dataclass(frozen=True)
class Source:
    """Where a setting's value comes from; `name` is the variable or option."""

    origin: Origin
    name: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.origin} {self.name}" if self.name else self.origin


@dataclass(frozen=True)
class Resolved:
    """The settings that hold, each with its source."""

    values: LakeSettings
    sources: Mapping[str, Source]

    def is_set(self, name: str) -> bool:
        """Return whether the user has set it."""
        return self.sources[name].origin != "default"

    @property
    def ingest_parameters(self) -> dict[str, str]:
        """Parameters of ingest's stack that the user has set; others keep their values there."""
        found = {}
        if self.is_set("contact") and self.values.contact:
            found["Contact"] = self.values.contact
        if self.is_set("subjects"):
            found["Subjects"] = json.dumps(listed(self.values.subjects), ensure_ascii=False)
        return found


def listed(subjects: Sequence[ConfiguredSubject]) -> list[str | dict[str, Any]]:
    """Return subjects in the form of ingest's setting `SUBJECTS`: a name where that says all."""
    dumped = [one.model_dump(exclude_defaults=True) for one in subjects]
    return [one["subject"] if len(one) == 1 else one for one in dumped]


def resolve(
    project: Project,
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Return the settings of a clone.

    Parameters
    ----------
    project
        The clone, which may have a `lake.toml`.
    options
        Values of the command line by setting; None where an option is not given.
    environment
        The environment variables; those of this process by default.

    Raises
    ------
    ConfigError
        The file cannot be read, or a setting is unknown or wrong.
    """
    variables = os.environ if environment is None else environment
    path = project.root / FILE
    given: dict[str, Any] = _read(path)
    sources = {name: Source("lake.toml") for name in given}
    for name, candidates in VARIABLES.items():
        found = next((variable for variable in candidates if variables.get(variable)), None)
        if found:
            given[name], sources[name] = variables[found], Source("variable", found)
    for name, value in (options or {}).items():
        if value:
            given[name], sources[name] = value, Source("option", OPTIONS[name])
    try:
        values = LakeSettings.model_validate(given)
    except ValidationError as error:
        raise _explained(error, path, sources) from None
    default = {name: Source("default") for name in LakeSettings.model_fields}
    return Resolved(values, default | sources)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not TOML: {error}.", 'A setting is a line such as contact = "me@there.org".'
        ) from None
    known = LakeSettings.model_fields
    for name in found:
        if name not in known:
            raise ConfigError(
                f"{path} has an unknown setting {name!r}.",
                f"{did_you_mean(name, known)}The settings are {', '.join(known)}.",
            )
    return found


def _explained(error: ValidationError, path: Path, sources: Mapping[str, Source]) -> ConfigError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0])
    place = "".join(f"[{part}]" for part in first["loc"][1:2] if isinstance(part, int))
    problem = first["msg"].removeprefix("Value error, ").rstrip(".")
    source = sources.get(name, Source("default"))
    where = str(path) if source.origin == "lake.toml" else source.name
    return ConfigError(
        f"{where}: {name}{place} is wrong: {problem}.",
        "docs/operations.md#settings describes each; './lake config' shows what holds.",
    )
