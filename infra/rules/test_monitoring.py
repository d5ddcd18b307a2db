"""Each alarm goes off on the series that it is for, and on no good one."""

from collections.abc import Iterator

import pytest

from infra.rules.alarm_evaluation import Alarm, Published, compute
from infra.rules.monitoring import emitted, is_emitted, metrics_of, short_name
from infra.rules.template import Template, load, text_of

MINUTE, HOUR = 60, 3600
DAY = 24 * HOUR
END = 4 * DAY
# Values of what the template looks up in other stacks.
KNOWN = {"timeout-seconds": "300"}
# CloudWatch looks back a little further than it evaluates; by how much is not documented.
LOOKBACKS = (0, 2, 5)

SERVICE = "env=${{Env}},service={}"
Series = list[Published]
INGEST, PROCESS, QUEUE = "ingest/function-name", "process/function-name", "process/queue-name"


def emf(service: str, name: str, *points: tuple[float, float]) -> Series:
    """Publish a metric of a service."""
    dimension = SERVICE.format(service)
    return [Published(second, "${App}", name, dimension, value) for second, value in points]


def aws(source: str, name: str, *points: tuple[float, float]) -> Series:
    """Publish a metric of a function or queue, named by the parameter that tells its name."""
    kind = "QueueName" if name.startswith("Approximate") else "FunctionName"
    namespace = "AWS/SQS" if kind == "QueueName" else "AWS/Lambda"
    dimension = f"{kind}={{{source}}}"
    return [Published(second, namespace, name, dimension, value) for second, value in points]


def every(
    period: float, value: float, start: float = 0.0, end: float = END
) -> Iterator[tuple[float, float]]:
    """Yield a value again and again."""
    second = start
    while second < end:
        yield second, value
        second += period


def good_days() -> Series:
    """Publish four days on which all is well: a run a day, with the usual imperfections."""
    runs = [DAY * day + 3 * HOUR for day in range(4)]
    hours = list(every(HOUR, 0.0))
    return [
        *emf("ingest", "RemainingSeconds", *every(5 * MINUTE, 295), *((t, 41) for t in runs)),
        *emf("ingest", "RunsComplete", *((t, 1) for t in runs)),
        *emf("process", "RunsProcessed", *((t + 10 * MINUTE, 1) for t in runs)),
        # A build may take up to an hour longer once.
        *emf("run_watch", "RunsWaiting", *every(HOUR / 2, 0), (2 * DAY, 1), (2 * DAY + 1, 1)),
        *emf("process", "RecordsRead", *((t, 5000) for t in runs), (DAY, 10)),
        # A tenth of a small sample, and two in a hundred of a large one.
        *emf("process", "RecordsQuarantined", *((t, 100) for t in runs), (DAY, 1)),
        *emf("process", "ItemsFailed", (HOUR, 1), (2 * HOUR, 4)),
        *emf("ingest", "RequestsFailed", *((t, 20) for t in runs)),
        # A pause of the source that is shorter than an alarm.
        *emf("ingest", "SourceDown", (HOUR, 1), (HOUR + 5 * MINUTE, 1), (HOUR + 10 * MINUTE, 1)),
        *aws(INGEST, "Errors", *hours),
        *aws(PROCESS, "Throttles", *hours, (HOUR, 1)),
        *aws(PROCESS, "Duration", *every(HOUR, 8_000), (HOUR, 200_000)),
        *aws(QUEUE, "ApproximateAgeOfOldestMessage", *hours, (HOUR, 900), (DAY, 4000)),
        *aws("process/dlq-name", "ApproximateNumberOfMessagesVisible", *every(5 * MINUTE, 0)),
    ]


def without(series: Series, name: str) -> Series:
    """Leave a metric out."""
    return [item for item in series if item.name != name]


# What goes wrong on the second day: added to good days.
BAD: dict[str, Series] = {
    "ingest-errors": aws(INGEST, "Errors", (DAY, 1)),
    "runs-waiting": emf("run_watch", "RunsWaiting", *every(HOUR / 2, 1, DAY, DAY + 3 * HOUR)),
    "process-errors": aws(PROCESS, "Errors", (DAY, 1)),
    "process-items-failed": emf("process", "ItemsFailed", *every(MINUTE, 1, DAY, DAY + HOUR)),
    "ingest-dead-letters": aws("ingest/dlq-name", "ApproximateNumberOfMessagesVisible", (DAY, 1)),
    "process-dead-letters": aws("process/dlq-name", "ApproximateNumberOfMessagesVisible", (DAY, 1)),
    "process-oldest-message": aws(
        QUEUE, "ApproximateAgeOfOldestMessage", (DAY, 3700), (DAY + 5 * MINUTE, 4000)
    ),
    "run-partial": emf("ingest", "RunsPartial", (DAY, 1)),
    "run-failed": emf("ingest", "RunsFailed", (DAY, 1)),
    "quarantine-share": emf("process", "RecordsQuarantined", (DAY + 3 * HOUR, 200)),
    "pages-quarantined": emf("process", "PagesQuarantined", (DAY, 1)),
    "ingest-throttles": aws(INGEST, "Throttles", (DAY, 2), (DAY + 10 * MINUTE, 1)),
    "process-throttles": aws(PROCESS, "Throttles", (DAY, 2), (DAY + 5 * MINUTE, 9)),
    "ingest-time-left": emf("ingest", "RemainingSeconds", (DAY + 1, 3.5)),
    "process-time-left": aws(PROCESS, "Duration", (DAY, 250_000)),
    "source-refusing": emf("ingest", "SourceRefused", (DAY, 1)),
    "source-down": emf("ingest", "SourceDown", *every(5 * MINUTE, 1, DAY, DAY + HOUR)),
    "schema-conflicts": emf("process", "SchemaConflicts", (DAY, 1)),
    "etl-failed": aws("glue_etl/dlq-name", "ApproximateNumberOfMessagesVisible", (DAY, 1)),
    "freshness": [],
}


def alarms() -> dict[str, Alarm]:
    """Return the alarms of the template by what they are about."""
    template = load("monitoring")
    found = template.resources("AWS::CloudWatch::Alarm")
    return {short_name(alarm): Alarm(template, alarm, KNOWN) for alarm in found}


def test_every_alarm_has_a_bad_series() -> None:
    assert set(alarms()) == set(BAD)


@pytest.mark.parametrize("extra", LOOKBACKS)
@pytest.mark.parametrize("name", BAD)
def test_alarm_is_quiet_on_good_days(name: str, extra: int) -> None:
    assert not alarms()[name].fires(good_days(), END, extra)


@pytest.mark.parametrize("extra", LOOKBACKS)
@pytest.mark.parametrize("name", [name for name, series in BAD.items() if series])
def test_alarm_goes_off_on_its_bad_series(name: str, extra: int) -> None:
    assert alarms()[name].fires(good_days() + BAD[name], END, extra)


@pytest.mark.parametrize("extra", LOOKBACKS)
def test_freshness_goes_off_where_nothing_runs_at_all(extra: int) -> None:
    assert alarms()["freshness"].fires([], END, extra)


@pytest.mark.parametrize("extra", LOOKBACKS)
def test_freshness_goes_off_when_runs_end_and_are_never_processed(extra: int) -> None:
    series = [item for item in without(good_days(), "RunsProcessed") if item.second < 2 * DAY]

    assert alarms()["freshness"].fires(series, END, extra)


@pytest.mark.parametrize("extra", LOOKBACKS)
def test_freshness_goes_off_when_the_runs_stop(extra: int) -> None:
    """GIVEN one run WHEN none follows for the hours and the lookback THEN the alarm goes off."""
    series = emf("process", "RunsProcessed", (HOUR, 1))
    hours = int(alarms()["freshness"].number("EvaluationPeriods"))

    assert not alarms()["freshness"].fires(series, (hours + 1) * HOUR, extra)
    assert alarms()["freshness"].fires(series, (hours + 2 + extra) * HOUR, extra)


def test_alarms_look_at_one_environment_and_service() -> None:
    """GIVEN a bad series of another environment THEN no alarm goes off."""
    elsewhere = [
        Published(item.second, item.namespace, item.name, "env=other,service=x", item.value)
        for series in BAD.values()
        for item in series
    ]

    for name, alarm in alarms().items():
        assert not alarm.fires(good_days() + elsewhere, END, 0), name


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("IF(a >= 100, 100 * b / a, 0)", {"a": 200.0, "b": 10.0}, 5.0),
        ("IF(a >= 100, 100 * b / a, 0)", {"a": 0.0, "b": 0.0}, 0.0),
        ("IF(a >= 100, 100 * b / a, 0)", {"a": None, "b": 1.0}, None),
        ("100 * a / (1000 * 300)", {"a": 150_000.0}, 50.0),
    ],
)
def test_metric_math(
    expression: str, values: dict[str, float | None], expected: float | None
) -> None:
    assert compute(expression, values) == expected


def test_unknown_metric_math_is_refused() -> None:
    with pytest.raises(ValueError, match="no metric math"):
        compute("SEARCH('x', 'Sum')", {})


def test_metrics_are_listed_once() -> None:
    names = [item["name"] for item in emitted()["metrics"]]

    assert len(names) == len(set(names))
    assert is_emitted("${App}", "RunsProcessed", {"env": "${Env}", "service": "process"})
    assert not is_emitted("${App}", "RunsProcessed", {"env": "${Env}", "service": "ingest"})


def test_no_alarm_looks_at_a_metric_without_dimensions() -> None:
    template: Template = load("monitoring")
    for alarm in template.resources("AWS::CloudWatch::Alarm"):
        assert all(metric["Dimensions"] for metric in metrics_of(alarm))


def test_rollback_alarms_are_alarms_that_end_with_their_cause() -> None:
    """GIVEN dead letters stay after their cause THEN no release is rolled back because of them."""
    for parameter in load("monitoring").resources("AWS::SSM::Parameter"):
        assert "Dead" not in text_of(parameter.properties["Value"])
