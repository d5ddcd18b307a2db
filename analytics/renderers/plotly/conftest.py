from datetime import UTC, datetime

import pytest

from analytics.dashboard.definition import Chart, dashboard
from analytics.dashboard.report_data import Cell, Provenance, ReportData, Row

HOSTILE = '</script><img src=x onerror="alert(1)">'
_SAMPLE: dict[str, Cell] = {"varchar": HOSTILE, "integer": 1990, "bigint": 1620, "double": 0.815}


def rows_for(chart: Chart, number: int = 3) -> list[Row]:
    """Make rows of every column that a chart names."""
    from analytics.views.definitions import views

    columns = {column.name: column.type for column in views()[chart.view].columns}
    sample = _SAMPLE | {"timestamp": "2026-11-23T06:00:00"}
    return [{name: sample[columns[name]] for name in chart.columns()} for _ in range(number)]


def data_of(rows: dict[str, list[Row]], **provenance: object) -> ReportData:
    """Make what a report shows."""
    made = {
        "environment": "local AWS",
        "generated_at": datetime(2026, 11, 23, 7, tzinfo=UTC),
        "run_id": "20261123T060000Z",
        "run_status": "complete",
    }
    return ReportData(provenance=Provenance.model_validate(made | provenance), rows=rows)


@pytest.fixture
def full() -> ReportData:
    return data_of({chart.id: rows_for(chart) for chart in dashboard().charts})


@pytest.fixture
def empty() -> ReportData:
    return data_of({chart.id: [] for chart in dashboard().charts}, run_id=None, run_status=None)
