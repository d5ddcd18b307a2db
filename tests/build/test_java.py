"""Which Java Spark runs on: ./lake and the job refuse the same ones, without an import between."""

import re
from pathlib import Path

import pytest

LIMIT = re.compile(r"^(OLDEST_JAVA|NEWEST_JAVA)(?:: Final)? = (\d+)$", re.MULTILINE)


@pytest.mark.parametrize(
    "module", ["services/glue_etl/adapters/spark_session.py", "tools/lake/local/spark.py"]
)
def test_both_refuse_the_same_versions(module: str) -> None:
    assert dict(LIMIT.findall(Path(module).read_text())) == {
        "OLDEST_JAVA": "17",
        "NEWEST_JAVA": "23",
    }
