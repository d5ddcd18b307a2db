"""dlt with the same contract, to Parquet in a local folder."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NotRequired, get_args, get_origin, get_type_hints

import pyarrow.parquet as pq
from pydantic import create_model

from benchmarks.process.suite.pages import RawPage
from schemas.source.page import WORK, SourceWork


def configure() -> None:
    """Keep dlt quiet and away from the network; must come before its import."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"


class Dlt:
    """Loads pages in one run of a pipeline, which is dlt at its cheapest.

    Its contract is the model of the same fields; a record of another type is discarded, not kept.
    Nested values stay in their column as JSON: tables of their own would cost three times as much.
    """

    def __init__(self, pages: list[RawPage]) -> None:
        configure()
        import dlt

        self._dlt = dlt
        self._pages = pages

    def __call__(self) -> None:
        """Run a pipeline over the pages, in a new folder."""
        dlt = self._dlt
        with TemporaryDirectory() as name:
            folder = Path(name)
            pipeline = dlt.pipeline(
                "works",
                pipelines_dir=str(folder / "pipelines"),
                destination=dlt.destinations.filesystem((folder / "bucket").as_uri()),
                dataset_name="lake",
            )
            resource = dlt.resource(
                self._records(),
                name="works",
                columns=_model(),
                schema_contract={"columns": "discard_value", "data_type": "discard_row"},
                max_table_nesting=0,
            )
            pipeline.run(resource, loader_file_format="parquet")
            self._check(folder / "bucket")

    def _check(self, bucket: Path) -> None:
        # A contract that nothing fits would make dlt look very quick.
        written = sum(pq.read_metadata(path).num_rows for path in bucket.glob("lake/works/*"))
        if written < 0.9 * sum(page.works for page in self._pages):
            raise RuntimeError(f"dlt wrote {written} rows only")

    def _records(self) -> Iterator[list[Any]]:
        for page in self._pages:
            yield json.loads(gzip.decompress(page.body))["works"]


def _model() -> Any:
    # With their bounds: dlt fails on a whole page for one integer beyond 64 bits.
    hints = get_type_hints(SourceWork, include_extras=True)
    required = WORK.json_schema()["required"]
    fields: dict[str, Any] = {
        name: (_without_marker(hint), ... if name in required else None)
        for name, hint in hints.items()
    }
    return create_model("Work", **fields)


def _without_marker(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint
