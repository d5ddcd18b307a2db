from pathlib import Path

import pytest

from lake.testing.fake_lake import Lake
from tests.views.lake import bucket_of, lake_of
from tests.views.tables import Tables, empty_tables, random_tables


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return random_tables(bucket_of(tmp_path_factory.mktemp("lake")))


@pytest.fixture(scope="session")
def lake(tables: Tables) -> Lake:
    return lake_of(tables.root.parent, tables)


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder: Path = tmp_path_factory.mktemp("empty")
    return lake_of(folder, empty_tables(bucket_of(folder)))
