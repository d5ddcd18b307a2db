from analytics.dashboard.report_data import ALL_WORKS
from schemas.rows import curated


def test_the_scope_of_all_works_is_that_of_the_contract() -> None:
    assert ALL_WORKS == curated.ALL_WORKS
