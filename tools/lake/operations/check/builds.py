"""The curated tables: what is published is whole, and is what the records and ledgers say."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pydantic import ValidationError

from lake.operations.check.findings import Findings
from lake.operations.check.storage import REMOVE, Bucket, is_hidden, parsed, row_count
from lake.query.catalogue import find_table
from schemas import keys
from schemas.curated_tables import CURATED
from schemas.ledger.curated_build import BuildRecord, CuratedLedger, CurrentBuild


def check_builds(bucket: Bucket, database: str, processed_runs: Iterable[str]) -> Findings:
    """Check every build that is kept, the catalogue, and the runs' entries by the ETL."""
    findings = Findings()
    current = _current(bucket, findings)
    is_unreadable = findings.total > 0
    records = _records(bucket, findings)
    if current is None:
        if not is_unreadable:
            _check_unpublished(bucket, database, records, processed_runs, findings)
        return findings
    for published in current.builds:
        if published.build not in records:
            findings.differ(
                "build.no_record",
                bucket.uri(keys.build_record_key(published.build)),
                "the build is published and has no record",
                "restore the record's former version",
            )
    for record in records.values():
        _check_files(bucket, record, findings)
    _check_catalogue(bucket, database, current, findings)
    if current.build in records:
        _check_ledgers(bucket, records[current.build], processed_runs, findings)
    _find_strays(bucket, records, findings)
    return findings


def _check_unpublished(
    bucket: Bucket,
    database: str,
    records: Collection[str],
    processed_runs: Iterable[str],
    findings: Findings,
) -> None:
    """Distinguish a lake before its first publication from one that lost its record.

    The first publication switches one table after the other before it writes that record.
    """
    tables = (find_table(bucket.cloud, database, table.name) for table in CURATED.values())
    is_switched = all(table and keys.parse_build(table.location) for table in tables)
    if is_switched or any(bucket.exists(keys.curated_ledger_key(run)) for run in processed_runs):
        findings.differ(
            "build.no_current",
            bucket.uri(keys.CURRENT_BUILD_KEY),
            "a build was published, and the record that names it is not there",
            "remove the delete marker that hides it, or restore its version, before the next build",
        )
    elif records:
        findings.remarks.append("builds are written and none is published yet")


def _current(bucket: Bucket, findings: Findings) -> CurrentBuild | None:
    body = bucket.read(keys.CURRENT_BUILD_KEY)
    if body is None:
        return None
    try:
        return CurrentBuild.model_validate_json(body)
    except ValidationError:
        _unreadable(bucket, keys.CURRENT_BUILD_KEY, findings)
        return None


def _records(bucket: Bucket, findings: Findings) -> dict[str, BuildRecord]:
    found = {}
    for key in bucket.keys(keys.BUILD_RECORDS_PREFIX):
        build = keys.parse_build_record_name(keys.below(keys.BUILD_RECORDS_PREFIX, key))
        if build is None:
            findings.differ("object.stray", bucket.uri(key), "not a build's record", "remove it")
            continue
        try:
            found[build] = BuildRecord.model_validate_json(bucket.read(key) or b"")
        except ValidationError:
            _unreadable(bucket, key, findings)
    return found


def _unreadable(bucket: Bucket, key: str, findings: Findings) -> None:
    findings.differ(
        "build.unreadable",
        bucket.uri(key),
        "it does not fit its contract",
        "restore its former version",
    )


def _check_files(bucket: Bucket, record: BuildRecord, findings: Findings) -> None:
    findings.counts.builds += 1
    for name, said in record.tables.items():
        prefix = keys.curated_build_prefix(name, record.build)
        files, rows = 0, 0
        for key in bucket.keys(prefix):
            if key.endswith(".parquet"):
                files += 1
                rows += (
                    parsed(bucket, key, row_count, _run_etl(bucket, "etl --full"), findings) or 0
                )
            elif not is_hidden(key):
                findings.differ("object.stray", bucket.uri(key), "not a file of the build", REMOVE)
        findings.counts.objects += files
        if (files, rows) != (said.files, said.rows):
            findings.differ(
                "build.other_files",
                bucket.uri(prefix),
                f"the record has {said.rows} rows in {said.files} files, {rows} in {files} are"
                " there",
                _run_etl(bucket, "etl --full"),
            )


def _check_catalogue(
    bucket: Bucket, database: str, current: CurrentBuild, findings: Findings
) -> None:
    for table in CURATED.values():
        place = f"{database}.{table.name}"
        expected = bucket.uri(keys.curated_build_prefix(table.name, current.build))
        found = find_table(bucket.cloud, database, table.name)
        if found is None:
            findings.differ(
                "catalogue.no_table", place, "it is not in the catalogue", _run_etl(bucket)
            )
        elif found.location.rstrip("/") != expected.rstrip("/"):
            findings.differ(
                "catalogue.other_build",
                place,
                f"it points to {found.location}, and the published build is {expected}",
                f"{_run_etl(bucket)}: it ends a publication that was cut off",
            )


def _check_ledgers(
    bucket: Bucket, record: BuildRecord, processed_runs: Iterable[str], findings: Findings
) -> None:
    for run in processed_runs:
        key = keys.curated_ledger_key(run)
        body = bucket.read(key)
        if run not in record.runs:
            findings.remarks.append(f"run {run} is processed and not in the curated tables yet")
        elif body is None:
            findings.differ(
                "ledger.missing",
                bucket.uri(key),
                f"build {record.build} has the run, and the run's curated.json is not there",
                _run_etl(bucket),
            )
        else:
            try:
                CuratedLedger.model_validate_json(body)
            except ValidationError:
                _unreadable(bucket, key, findings)


def _run_etl(bucket: Bucket, words: str = "etl") -> str:
    return f"run '{bucket.cloud.command(words)}'"


def _find_strays(bucket: Bucket, records: dict[str, BuildRecord], findings: Findings) -> None:
    for table in CURATED:
        prefix = f"{keys.CURATED_PREFIX}{table}/"
        for folder in bucket.folders(prefix):
            build = keys.parse_build(folder)
            if build not in records:
                findings.remarks.append(
                    f"{bucket.uri(prefix + folder)} belongs to no whole build: one that is being"
                    " written, or was cut off; the next publication removes it"
                )
