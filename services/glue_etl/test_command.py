"""The edge: what machines read, and what is said when something is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from glue_etl import bulk, errors, job, publish
from glue_etl.adapters.local_files import LocalFiles
from glue_etl.adapters.spark_session import check_java
from glue_etl.command import run_command
from glue_etl.errors import EtlError, JavaMissingError, RulesFailedError, StorageError
from glue_etl.testing.builds import RUN, record_of, write_build
from glue_etl.testing.lake import Lake
from glue_etl.version import SERVICE_VERSION
from schemas.keys import CURATED_PREFIX, below, build_record_key


def failing(error: Exception) -> dict[str, object]:
    raise error


def test_a_result_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda argv: {"status": "built", "of": list(argv)}, ["x"]) is None

    assert capsys.readouterr().out == '{"status": "built", "of": ["x"]}\n'


@pytest.mark.parametrize(
    ("error", "transient"),
    [(RulesFailedError("no", rules=["r"]), False), (StorageError("no"), True)],
)
def test_a_failure_is_told_by_code_and_by_the_way_the_process_ends(
    error: EtlError, transient: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(lambda _: failing(error), []) == f"{error.code}: no"

    result = json.loads(capsys.readouterr().out)
    assert (result["status"], result["code"]) == ("failed", error.code)
    assert result["transient"] is transient


def test_what_nobody_foresaw_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    problem = run_command(lambda _: failing(ValueError("of Spark\nat line 1")), [])

    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["status"], result["code"]) == ("failed", "unexpected")
    assert problem == result["message"]
    assert result["message"].startswith("ValueError: of Spark (")
    assert "Traceback" in printed.err


def test_wrong_arguments_start_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(job.run, ["--processed", "nowhere"])

    assert "--curated" in json.loads(capsys.readouterr().out)["message"]


def test_a_dump_that_is_not_there_is_named(lake: Lake) -> None:
    places = {"processed": lake.processed, "runs": lake.runs}
    places |= {"quarantine": f"file://{lake.root}/quarantine_data/works/"}
    argv = [word for name, uri in places.items() for word in (f"--{name}", uri)]

    problem = run_command(
        bulk.run, [*argv, "--dump", f"file://{lake.root}/gone.txt.gz", "--run-id", RUN]
    )

    assert problem == (
        f"dump.missing: there is no dump file://{lake.root}/gone.txt.gz: ./lake backfill URL"
        " fetches it and puts it there"
    )


def java(folder: Path, says: str) -> Path:
    path = folder / "bin" / "java"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)
    return folder


def test_no_java_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaMissingError, match="apt install openjdk-17"):
        check_java()

    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(JavaMissingError, match="no Java was found"):
        check_java()


@pytest.mark.parametrize(
    "says",
    ['openjdk version "11.0.2"', 'java version "1.8.0_1"', 'openjdk version "24" 2025', "Oops"],
)
def test_a_java_that_spark_cannot_run_on_is_refused(
    says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, says)))

    with pytest.raises(JavaMissingError, match="17 or 21"):
        check_java()


def test_every_java_between_the_oldest_and_the_newest_will_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accepted = []
    for version in range(16, 25):
        home = tmp_path / str(version)
        home.mkdir()
        monkeypatch.setenv("JAVA_HOME", str(java(home, f'openjdk version "{version}.0.1"')))
        with suppress(JavaMissingError):
            check_java()
            accepted.append(version)

    assert accepted == [17, 18, 19, 20, 21, 22, 23]


def test_a_build_made_elsewhere_is_published_without_spark(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    files = LocalFiles()
    write_build(files, lake.curated, "b1")
    files.write(
        lake.curated + below(CURATED_PREFIX, build_record_key("b1")),
        record_of(files, lake.curated, "b1").model_dump_json().encode(),
    )
    argv = ["--curated", lake.curated, "--runs", lake.runs]

    assert run_command(publish.run, [*argv, "--build", "b1"]) is None
    assert json.loads(capsys.readouterr().out)["builds"][0]["build"] == "b1"
    assert "--build: which build?" in (run_command(publish.run, argv) or "")


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["job", "bulk", "publish", "builds.publication", "builds.rules", "builds.runs"]
)
def test_nothing_loads_spark_or_aws_before_it_is_needed(module: str) -> None:
    assert {"pyspark", "boto3", "awsglue"}.isdisjoint(loaded_by(f"glue_etl.{module}"))


def leaves(error: type[EtlError]) -> Sequence[type[EtlError]]:
    below = error.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [error]


def test_every_error_has_a_code_of_its_own_and_a_place_in_the_tree() -> None:
    found = leaves(EtlError)

    assert len({error.code for error in found}) == len(found)
    assert all(f"+-- {error.__name__}" in (errors.__doc__ or "") for error in found)


def test_the_version_is_that_of_the_file() -> None:
    assert (Path(__file__).parent / "VERSION").read_text("utf-8").strip() == SERVICE_VERSION
