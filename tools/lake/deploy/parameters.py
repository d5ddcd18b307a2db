"""Template parameters given on the command line."""

from collections.abc import Collection, Mapping

from lake.deploy.units import select
from lake.errors import DeployError
from lake.suggestions import did_you_mean

# Differences on the local AWS: the schedule would crawl for as long as it is up, without the time
# in its input (the local AWS does not replace the placeholder), and a laptop has few cores.
LOCAL: Mapping[str, Mapping[str, str]] = {
    "ingest": {"ScheduleState": "DISABLED"},
    "process": {"MaximumConcurrency": "2"},
    # The local AWS refuses these.
    "glue_etl": {"Workflow": "false"},
    "monitoring": {"SavedQueries": "false", "MetricMath": "false"},
    "analytics": {"NamedQueries": "false"},
}


def parse_settings(settings: list[str]) -> dict[str, dict[str, str]]:
    """Read `UNIT.PARAMETER=VALUE` into parameters by unit.

    Raises
    ------
    DeployError
        One has another form, or its unit does not exist.
    """
    found: dict[str, dict[str, str]] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        unit, dot, name = path.partition(".")
        if not (equals and dot and name):
            raise DeployError(
                f"{setting!r} is not UNIT.PARAMETER=VALUE.", "For example: process.MemorySize=2048"
            )
        select([unit])
        found.setdefault(unit, {})[name] = value
    return found


def refuse_unknown(
    settings: Mapping[str, Mapping[str, str]], known: Mapping[str, Collection[str]]
) -> None:
    """Refuse settings that would change nothing.

    Parameters
    ----------
    settings
        Parameters by unit, as given.
    known
        Names of the template's parameters, by unit that is deployed.

    Raises
    ------
    DeployError
        A unit is not deployed, or its template does not have a parameter.
    """
    for unit, parameters in settings.items():
        if unit not in known:
            raise DeployError(
                f"--set {unit}.{next(iter(parameters))} has no effect: {unit} is not deployed now.",
                f"Add {unit} to the units, or leave the setting out.",
            )
        for name in parameters:
            if name not in known[unit]:
                raise DeployError(
                    f"{unit} has no parameter {name!r}.",
                    f"{did_you_mean(name, known[unit])}infra/{unit}.yaml describes them:"
                    f" {', '.join(sorted(known[unit]))}.",
                )


def merge(
    base: Mapping[str, Mapping[str, str]], over: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the parameters of both; the second wins."""
    return {unit: {**base.get(unit, {}), **over.get(unit, {})} for unit in sorted({*base, *over})}
