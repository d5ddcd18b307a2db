"""The lake that the tests of the check damage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from lake.testing.lakes import lake_in_memory
from lake.testing.sound_lake import SoundLake


@pytest.fixture
def lake() -> Iterator[SoundLake]:
    with mock_aws():
        yield SoundLake(lake_in_memory())
