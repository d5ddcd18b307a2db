"""Where things are in a clone of the project."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A clone of the project.

    Attributes
    ----------
    root
        The clone's root folder.
    dist
        Where the packages are; `dist` in the clone by default.
    """

    root: Path
    dist: Path | None = None

    @property
    def state(self) -> Path:
        """What the command line keeps between calls; never committed."""
        return self.root / ".lake"

    def template(self, unit: str) -> str:
        """Return the CloudFormation template of a unit."""
        return (self.root / "infra" / f"{unit}.yaml").read_text("utf-8")

    def services(self) -> list[str]:
        """Return the names of the services that have a version."""
        return sorted(path.parent.name for path in (self.root / "services").glob("*/VERSION"))

    def version(self, service: str) -> str:
        """Return the version of a service, as in its VERSION file."""
        return (self.root / "services" / service / "VERSION").read_text().strip()

    def package(self, service: str) -> Path:
        """Return where Pants puts the package of a service."""
        dist = self.dist or self.root / "dist"
        return dist / "services" / service / f"{service}-{self.version(service)}.zip"


def current_project() -> Project:
    """Return the project that the `lake` script belongs to."""
    return Project(Path(os.environ.get("LAKE_ROOT") or Path.cwd()))


def called_from() -> Path:
    """Return the folder in which the user called the `lake` script, which goes to its own."""
    return Path(os.environ.get("LAKE_CALLED_FROM") or Path.cwd())
