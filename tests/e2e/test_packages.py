"""What is in a package, and that it runs where nothing else is."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import MINISTACK, PROJECT

MEGABYTE = 1_000_000
SIZE_LIMITS = {"ingest": 20 * MEGABYTE, "process": 220 * MEGABYTE}
SERVICES = sorted(SIZE_LIMITS)
# In the Lambda runtime already, or of no use there.
NOT_SHIPPED = {"boto3", "botocore", "s3transfer", "pytest", "moto", "hypothesis", "aws_xray_sdk"}
NOT_IN_INGEST = {"pandas", "numpy", "pyarrow", "awswrangler", "requests_mock"}

CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
import lambda_function
class Context:
    function_name = "test"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    def get_remaining_time_in_millis(self):
        return 60_000
try:
    answer = lambda_function.handler(json.loads(sys.argv[2]), Context())
except Exception as error:
    answer = {"error": type(error).__name__, "message": str(error)}
print(json.dumps({"answer": answer, "origin": sys.modules[sys.argv[3]].__file__}))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every package, unpacked as the runtime does it."""
    folders = {}
    for service in SERVICES:
        folders[service] = tmp_path_factory.mktemp(service)
        with zipfile.ZipFile(PROJECT.package(service)) as package:
            package.extractall(folders[service])
    return folders


def call_handler(
    package: Path, service: str, event: object, **environment: str
) -> dict[str, object]:
    """Call the package's handler in an interpreter that has boto3 and only the package."""
    completed = subprocess.run(
        [*MINISTACK, "-c", CALL, str(package), json.dumps(event), f"{service}.handler"],
        # This makes the environment of the local AWS an interpreter, with boto3 as in Lambda.
        env={"PEX_INTERPRETER": "1", "PATH": os.environ["PATH"], "HOME": str(package)}
        | environment,
        cwd=package,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    answer: dict[str, object] = json.loads(completed.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("service", SERVICES)
def test_the_package_is_named_with_the_services_version(service: str) -> None:
    version = (PROJECT.root / "services" / service / "VERSION").read_text().strip()

    assert PROJECT.package(service).name == f"{service}-{version}.zip"


@pytest.mark.parametrize("service", SERVICES)
def test_the_package_holds_no_tests_and_no_other_service(
    unpacked: dict[str, Path], service: str
) -> None:
    folder = unpacked[service]

    others = {"ingest", "process", "glue_etl", "lake", "openlibrary_standin"} - {service}
    assert {path.name for path in folder.iterdir()}.isdisjoint(others | NOT_SHIPPED)
    ours = [*(folder / service).rglob("*.py"), *(folder / "schemas").rglob("*.py")]
    assert not [path for path in ours if path.name.startswith(("test_", "conftest"))]


def test_ingest_ships_no_data_frame_library(unpacked: dict[str, Path]) -> None:
    assert {path.name for path in unpacked["ingest"].iterdir()}.isdisjoint(NOT_IN_INGEST)


@pytest.mark.parametrize("service", SERVICES)
def test_the_unpacked_package_is_within_its_size_limit(
    unpacked: dict[str, Path], service: str
) -> None:
    size = sum(path.stat().st_size for path in unpacked[service].rglob("*") if path.is_file())

    assert size <= SIZE_LIMITS[service]


@pytest.mark.parametrize("service", SERVICES)
def test_the_package_ships_compiled_modules_that_never_go_stale(
    unpacked: dict[str, Path], service: str
) -> None:
    compiled = unpacked[service] / service / "__pycache__" / "handler.cpython-313.pyc"

    # Flags 0b01: by hash, and not checked against the source (PEP 552).
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"


def test_process_runs_from_its_package_alone(unpacked: dict[str, Path]) -> None:
    environment = {
        "DATA_BUCKET": "bucket",
        "GLUE_DATABASE": "database",
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/queue",
        "LAKE_APP": "openlake",
        "LAKE_ENV": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "openlake",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }

    called = call_handler(unpacked["process"], "process", {"Records": []}, **environment)

    assert called["answer"] == {"batchItemFailures": []}
    assert str(called["origin"]).startswith(str(unpacked["process"]))


def test_ingest_runs_from_its_package_alone(unpacked: dict[str, Path]) -> None:
    environment = {"POWERTOOLS_METRICS_NAMESPACE": "openlake"}

    called = call_handler(unpacked["ingest"], "ingest", {"no": "heartbeat"}, **environment)

    assert isinstance(called["answer"], dict)
    assert called["answer"]["error"] == "ConfigurationError"
    assert str(called["origin"]).startswith(str(unpacked["ingest"]))
