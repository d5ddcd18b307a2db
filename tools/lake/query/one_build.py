"""Make all curated tables of a query those of one build.

The catalogue is switched table by table, so that a join at that moment could see two builds. The
record of the current build names one, and its files are never changed.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from lake.aws import Cloud
from lake.errors import QueryError
from lake.query.catalogue import CatalogueTable
from lake.runs.ledger import read_ledger
from schemas import keys
from schemas.ledger.curated_build import BuildRecord, CuratedLedger, CurrentBuild


def at_one_build(
    cloud: Cloud, tables: Mapping[str, CatalogueTable], as_of: str | None = None
) -> dict[str, CatalogueTable]:
    """Return the tables, the curated ones among them at one build.

    Parameters
    ----------
    cloud
        Where the lake is.
    tables
        Tables and views by name.
    as_of
        A build that is kept, or a run: the first build that had it. By default the current build.

    Raises
    ------
    QueryError
        There is no such build or run, or the build is no longer kept.
    """
    curated = {name for name, table in tables.items() if keys.parse_build(_location(table))}
    if not curated or (as_of is None and len(curated) < 2):
        return dict(tables)
    bucket = urlsplit(tables[min(curated)].location).netloc
    build = _kept(cloud, bucket, as_of) if as_of else _current(cloud, bucket)
    if build is None:
        return dict(tables)
    return {
        name: _moved(table, build) if name in curated else table for name, table in tables.items()
    }


def _current(cloud: Cloud, bucket: str) -> str | None:
    current = read_ledger(cloud, bucket, keys.CURRENT_BUILD_KEY, CurrentBuild)
    return current.build if current else None


def _kept(cloud: Cloud, bucket: str, as_of: str) -> str:
    build = as_of
    if re.fullmatch(keys.RUN_ID_PATTERN, as_of):
        ledger = read_ledger(cloud, bucket, keys.curated_ledger_key(as_of), CuratedLedger)
        build = ledger.build if ledger else as_of
    found = None
    if re.fullmatch(keys.BUILD_PATTERN, build):
        found = read_ledger(cloud, bucket, keys.build_record_key(build), BuildRecord)
    if found is None:
        current = read_ledger(cloud, bucket, keys.CURRENT_BUILD_KEY, CurrentBuild)
        kept = ", ".join(item.build for item in current.builds) if current else "none"
        raise QueryError(f"Build {build!a} is not kept.", f"Builds that are kept: {kept}.")
    return build


def _moved(table: CatalogueTable, build: str) -> CatalogueTable:
    storage = dict(table.description["StorageDescriptor"])
    before = keys.parse_build(table.location)
    storage["Location"] = table.location.replace(f"build={before}/", f"build={build}/")
    return replace(table, description={**table.description, "StorageDescriptor": storage})


def _location(table: CatalogueTable) -> str:
    return "" if table.view_sql is not None else table.location
