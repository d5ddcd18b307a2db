"""The examples of the data catalogue are answered."""

from __future__ import annotations

import pytest

from analytics.catalogue_pages.generate import EXAMPLES
from lake.testing.fake_lake import Lake


@pytest.mark.parametrize("table", EXAMPLES)
def test_an_example_is_answered(lake: Lake, table: str) -> None:
    assert table in EXAMPLES[table]
    assert lake.result(EXAMPLES[table]).columns
