"""Fixtures: one Spark for the whole session, lakes in folders, captured samples."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.settings import JobArguments, SessionArguments
from glue_etl.testing.lake import Lake
from glue_etl.testing.random_lake import random_dump, random_run, random_years
from schemas.testing.samples import captured_samples

Build = Callable[..., dict[str, Any]]
#: The run of the lake that ``built`` gives.
FIRST = "20261122T060000Z"


def pytest_configure(config: pytest.Config) -> None:
    # Spark's gateway to Java keeps its sockets until the collector comes by.
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    from glue_etl.adapters.spark_session import start

    # A name that does not resolve would be asked of the network.
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = start(SessionArguments(master="local[2]", driver_memory="1g"), 0)
    yield session
    session.stop()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture
def etl(spark: Any) -> Build:
    """Run the job on a lake with the session's Spark; return its result."""
    return partial(build, spark)


def build(spark: Any, lake: Lake, **arguments: object) -> dict[str, Any]:
    """Run the job on a lake."""
    from glue_etl.builds.etl import Etl
    from glue_etl.job import publisher_for

    # As a small job on this machine, which is judged in memory.
    local = {"pair_min_works": 1, "master": "local[2]"}
    parsed = JobArguments.parse(lake.arguments(**local, **arguments))
    files = LocalFiles()
    return Etl(parsed, files, publisher_for(parsed, files), lambda _: spark).run().as_json()


def put_run(lake: Lake, run: str, seed: int) -> None:
    """Write a run of chance."""
    listings = random_run(seed)
    lake.put_run(run, listings, random_years(seed, list(listings)))


def put_dump(lake: Lake, run: str, seed: int) -> None:
    """Write a dump of chance."""
    lake.put_dump(run, *random_dump(seed))


@pytest.fixture(scope="session")
def built_once(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(tmp_path_factory.mktemp("built"))
    put_run(made, FIRST, 0)
    build(spark, made)
    return made


@pytest.fixture
def built(built_once: Lake, lake: Lake) -> Lake:
    """A lake of one run, with its tables published; made once and copied."""
    shutil.copytree(built_once.root, lake.root, dirs_exist_ok=True)
    return lake


@pytest.fixture(scope="session")
def samples() -> Path:
    return captured_samples()
