"""The units that deploy by themselves, in the order in which a new environment needs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.errors import DeployError
from lake.suggestions import did_you_mean


@dataclass(frozen=True)
class Unit:
    """One CloudFormation stack with, for a service, its package.

    Attributes
    ----------
    name
        Name of the template and last part of the stack's name.
    packaged
        Whether Pants builds a package for it.
    target
        Name of the Pants target that does.
    members
        Files of the package that are also needed as separate objects, and the names of those.
    """

    name: str
    packaged: bool = False
    target: str = "lambda"
    members: Mapping[str, str] = field(default_factory=dict)


UNITS: tuple[Unit, ...] = (
    Unit("bootstrap"),
    Unit("foundation"),
    Unit("process", packaged=True),
    Unit("ingest", packaged=True),
    Unit(
        "glue_etl",
        packaged=True,
        target="package",
        # Glue takes scripts, and what it is to install, only so; the latter by such names.
        members={
            "glue_etl/job.py": "job.py",
            "glue_etl/bulk.py": "bulk.py",
            "glue.gluewheels.zip": "wheels.gluewheels.zip",
            "glue_iceberg.gluewheels.zip": "wheels-iceberg.gluewheels.zip",
        },
    ),
    Unit("monitoring"),
    Unit("analytics"),
    Unit("quicksight"),
)


def select(names: list[str]) -> list[Unit]:
    """Return the named units in deployment order; all of them for an empty list.

    Raises
    ------
    DeployError
        A name is not that of a unit.
    """
    known = {unit.name for unit in UNITS}
    for name in names:
        if name not in known:
            choices = [unit.name for unit in UNITS]
            raise DeployError(
                f"There is no unit {name!r}.",
                f"{did_you_mean(name, choices)}The units are: {', '.join(choices)}.",
            )
    return [unit for unit in UNITS if not names or unit.name in names]
