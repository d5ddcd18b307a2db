"""dlt with the same contract, to Parquet in a local folder."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

from pydantic import create_model

from benchmarks.process.suite.pages import RawPage
from schemas.source import SourceWork


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

    def _records(self) -> Iterator[list[Any]]:
        for page in self._pages:
            yield json.loads(gzip.decompress(page.body))["works"]


def _model() -> Any:
    # The hints tell the types and the bounds; which fields may be missing, the contract's keys do.
    hints = get_type_hints(SourceWork, include_extras=False)
    required = SourceWork.__required_keys__
    fields: dict[str, Any] = {
        name: (hint, ... if name in required else None) for name, hint in hints.items()
    }
    return create_model("Work", **fields)
