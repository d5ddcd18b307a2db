"""A lake in memory, and the jobs of glue_etl without Spark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3

from lake.aws import Cloud
from lake.errors import EtlFailedError
from lake.etl.curated import read_curated
from lake.local.spark import SparkJobs
from lake.objects import list_objects
from lake.query.catalogue import CatalogueTable
from schemas.curated_tables import CURATED
from schemas.fingerprints import run_fingerprints
from schemas.keys import (
    CURRENT_BUILD_KEY,
    PROCESSED_PREFIX,
    build_record_key,
    dump_rows_prefix,
    excluded_run_key,
    processed_ledger_key,
)
from schemas.ledger.curated_build import (
    BUILD_FORMAT,
    BuildRecord,
    CurrentBuild,
    ExcludedRun,
    Pin,
    PublishedBuild,
    TableOutcome,
)
from schemas.ledger.run import DumpLedger, DumpSource
from schemas.testing.ledgers import processed_ledger

BUCKET = "data"
DATABASE = "openlake_local"
_PARAMETERS = {"foundation/data-bucket": BUCKET, "foundation/glue-database": DATABASE}
_KEY = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}


def lake_in_memory() -> Cloud:
    """Return a local AWS with an empty bucket; inside `moto.mock_aws` alone."""
    clients = {name: boto3.client(name, "us-east-1", **_KEY) for name in ("s3", "ssm", "glue")}
    clients["s3"].create_bucket(Bucket=BUCKET)
    clients["glue"].create_database(DatabaseInput={"Name": DATABASE})
    for name, value in _PARAMETERS.items():
        clients["ssm"].put_parameter(Name=f"/openlake/local/{name}", Value=value, Type="String")
    return Cloud(endpoint="http://127.0.0.1:1", _clients=clients)


def put(cloud: Cloud, key: str, body: str = "x") -> None:
    """Write an object."""
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())


def put_run(cloud: Cloud, run_id: str, rows: int = 1) -> None:
    """Write a run that process has finished."""
    day = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
    put(cloud, f"processed_data/works/ingest_date={day}/{run_id}-love-000000.parquet", run_id)
    put(cloud, f"processed_data/subject_facets/ingest_date={day}/{run_id}-love-000000.parquet")
    put(cloud, processed_ledger_key(run_id), processed_ledger(run_id, rows).model_dump_json())


def put_dump(cloud: Cloud, run_id: str) -> None:
    """Write a run that was loaded from a dump."""
    put(cloud, f"{dump_rows_prefix(run_id)}part-0.parquet", run_id)
    put(cloud, processed_ledger_key(run_id), processed_ledger(run_id).model_dump_json())


def publish(cloud: Cloud, runs: list[str], *builds: str) -> None:
    """Write the records of published builds of some runs; the first is the current one."""
    time = datetime(2026, 11, 23, tzinfo=UTC)
    kept = [PublishedBuild(build=build, published_at=time) for build in builds]
    put(cloud, CURRENT_BUILD_KEY, CurrentBuild(builds=kept).model_dump_json())
    for build in builds:
        put(cloud, build_record_key(build), record(build, runs, None, 2).model_dump_json())


def located(name: str, build: str) -> CatalogueTable:
    """Return a curated table at a build."""
    location = f"s3://{BUCKET}/curated_data/{CURATED[name].folder(build)}"
    return CatalogueTable(name, CURATED[name].table_input(location))


def keys(cloud: Cloud, prefix: str = "") -> set[str]:
    """Return the keys of the bucket."""
    return {item.key for item in list_objects(cloud, BUCKET, prefix)}


def record(
    build: str,
    runs: list[str],
    previous: str | None,
    form: int,
    fingerprints: Mapping[str, str] = MappingProxyType({}),
) -> BuildRecord:
    """Return a build's record; each table has a row for each run, and its name in a file."""
    return BuildRecord(
        build=build,
        format=form,
        previous=previous,
        mode="incremental" if previous else "full",
        runs={run: fingerprints.get(run, "of a dump") for run in runs},
        new_runs=runs[-1:],
        tables={name: TableOutcome(rows=len(runs), files=1, bytes=len(build)) for name in CURATED},
        rules=[],
        contract_version="1",
        service_version="0.1.0",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


@dataclass(frozen=True)
class FakeJobs(SparkJobs):
    """Writes builds as the jobs do, and records its calls.

    Attributes
    ----------
    calls
        Modules and arguments.
    failing
        Errors by module.
    found
        The files that each job found on the stage.
    form
        Form of the builds that are made.
    """

    command: Sequence[str] = ()
    python_path: Sequence[Path] = ()
    cloud: Cloud = field(default_factory=Cloud)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    failing: dict[str, EtlFailedError] = field(default_factory=dict)
    found: list[set[str]] = field(default_factory=list)
    form: int = BUILD_FORMAT

    def run(
        self, module: str, arguments: Mapping[str, object], log: Path, **_: Any
    ) -> dict[str, Any]:
        """Do what the job would."""
        texts = {name: str(value) for name, value in arguments.items()}
        self.calls.append((module, texts))
        if module in self.failing:
            raise self.failing[module]
        steps: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "glue_etl.job": self._job,
            "glue_etl.publish": self._publish,
            "glue_etl.bulk": self._bulk,
            "glue_etl.compact": lambda _: {"days": ["2026-11-22"], "unfit": {}},
        }
        return steps[module](texts)

    def modules(self) -> list[str]:
        """Return the names of the jobs that were run."""
        return [module.removeprefix("glue_etl.") for module, _ in self.calls]

    def _job(self, arguments: dict[str, str]) -> dict[str, Any]:
        curated, runs = (_path(arguments[name]) for name in ("curated", "runs"))
        stage = curated.parent
        self.found.append({str(p.relative_to(stage)) for p in stage.rglob("*") if p.is_file()})
        current = _current(stage / CURRENT_BUILD_KEY)
        known: list[str] = []
        prints = staged_fingerprints(stage / PROCESSED_PREFIX)
        if current and arguments["full"] == "false":
            body = (stage / build_record_key(current)).read_text()
            before = BuildRecord.model_validate_json(body).runs
            known, prints = list(before), {**prints, **before}
        fresh = [path.parent.name.removeprefix("run_id=") for path in runs.glob("*/processed.json")]
        names = sorted({*known, *fresh})
        dump = max((name for name in names if name.endswith("T235959Z")), default=None)
        made = record(f"B{len(names)}", names, current, self.form, prints)
        made = made.model_copy(update={"dump": dump})
        path = stage / build_record_key(made.build)
        if not path.exists():
            for table in CURATED.values():
                file = curated / table.folder(made.build) / f"part-{len(self.calls)}.parquet"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(made.build)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made.model_dump_json())
        return {"status": "built", **made.model_dump(mode="json")}

    def _publish(self, arguments: dict[str, str]) -> dict[str, Any]:
        time = datetime(2026, 11, 23, tzinfo=UTC)
        for run in filter(None, arguments.get("exclude", "").split(",")):
            note = ExcludedRun(run_id=run, reason=arguments["reason"], excluded_at=time)
            put(self.cloud, excluded_run_key(run), note.model_dump_json())
        build = arguments.get("pin") or arguments.get("build")
        if build is None:
            return {"status": "published"}
        published = PublishedBuild(build=build, published_at=time)
        before = read_curated(self.cloud, BUCKET)
        pin = None if "unpin" in arguments else before.pin
        if "pin" in arguments:
            pin = Pin(build=build, reason=arguments.get("reason", ""), pinned_at=time)
        current = CurrentBuild(builds=[published], pin=pin)
        put(self.cloud, CURRENT_BUILD_KEY, current.model_dump_json())
        return {"status": "published"}

    def _bulk(self, arguments: dict[str, str]) -> dict[str, Any]:
        run = arguments["run-id"]
        day = f"{run[:4]}-{run[4:6]}-{run[6:8]}"
        lines = _path(arguments["dump"]).read_bytes().count(b"\n")
        processed, bad = _path(arguments["processed"]), _path(arguments["quarantine"])
        for name in ("part-0.parquet", "part-1.parquet"):
            _write(processed / f"dump_works/ingest_date={day}/{run}/{name}", run)
        _write(bad / f"ingest_date={day}/{run}-dump/part-0.txt.gz", "{}")
        dump = _path(arguments["dump"])
        digest = md5(dump.read_bytes(), usedforsecurity=False).hexdigest()
        source = DumpSource(name=dump.name, size=dump.stat().st_size, etag=digest)
        counted = processed_ledger(run, lines - 1, rejected=1)
        ledger = DumpLedger.model_validate(dict(counted) | {"dump": source})
        _write(_path(arguments["runs"]) / f"run_id={run}/processed.json", ledger.model_dump_json())
        counts = {"lines": lines, "rows": lines - 1, "quarantined": 1}
        return {"status": "loaded", "run_id": run, **counts}


def staged_fingerprints(folder: Path) -> dict[str, str]:
    """Return the fingerprints of the runs whose files are staged."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return run_fingerprints(
        (
            str(path.relative_to(folder)),
            md5(path.read_bytes(), usedforsecurity=False).hexdigest(),
        )
        for path in files
    )


def _path(uri: str) -> Path:
    if not uri.startswith("file:///"):
        raise ValueError(f"Spark on this machine reads no {uri}")
    return Path(uri.removeprefix("file://"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _current(path: Path) -> str | None:
    return CurrentBuild.model_validate_json(path.read_text()).build if path.exists() else None
