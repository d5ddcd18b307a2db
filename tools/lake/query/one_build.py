"""Make all curated tables of a query those of one build.

The catalogue is switched table by table, so that a join at that moment could see two builds. The
record of the current build names one, and its files are never changed.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from lake.aws import Cloud
from lake.errors import QueryError, UnreadableObjectError
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
        There is no such build or run, or the build is no longer kept, or is not published.
    """
    curated = {name for name, table in tables.items() if keys.parse_build(_location(table))}
    build = None
    if as_of is not None:
        # Also where no table depends on it: a name that was misspelt is not to go unnoticed.
        build = _kept(cloud, cloud.parameter("foundation/data-bucket"), as_of)
    elif len(curated) > 1:
        build = _current(cloud, urlsplit(tables[min(curated)].location).netloc)
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
    current = read_ledger(cloud, bucket, keys.CURRENT_BUILD_KEY, CurrentBuild)
    published: list[str] = []
    if current:
        builds = (item.build for item in current.builds)
        published = [name for name in builds if name not in current.removing]
    problem = _problem(cloud, bucket, build)
    if problem is None and build in published:
        return build
    sound = ", ".join(name for name in published if _is_sound(cloud, bucket, name))
    raise QueryError(
        f"Build {build!a} {problem or 'is not published'}.",
        f"Builds that are kept: {sound or 'none'}.",
    )


def _is_sound(cloud: Cloud, bucket: str, build: str) -> bool:
    with suppress(UnreadableObjectError):
        return _problem(cloud, bucket, build) is None
    return False


def _problem(cloud: Cloud, bucket: str, build: str) -> str | None:
    """Return why a build would not be published, from its record; None if it would be."""
    record = None
    if re.fullmatch(keys.BUILD_PATTERN, build):
        record = read_ledger(cloud, bucket, keys.build_record_key(build), BuildRecord)
    if record is None:
        return "is not kept"
    broken = ", ".join(rule.rule for rule in record.failed)
    return f"breaks {broken}, and is not published" if broken else None


def _moved(table: CatalogueTable, build: str) -> CatalogueTable:
    storage = dict(table.description["StorageDescriptor"])
    storage["Location"] = keys.at_build(table.location, build)
    return replace(table, description={**table.description, "StorageDescriptor": storage})


def _location(table: CatalogueTable) -> str:
    return "" if table.view_sql is not None else table.location
