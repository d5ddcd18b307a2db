"""Writes the derived schemas to ``generated/``: ``python -m schemas.generate [--check]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from schemas.arrow import arrow_schema
from schemas.curated_tables import CURATED, CuratedTable
from schemas.glue import glue_columns
from schemas.source import WORK
from schemas.spark import spark_schema
from schemas.tables import PARTITIONS, TABLES, Table

DIRECTORY: Final = Path(__file__).parent / "generated"


def render() -> dict[str, str]:
    """Give the content of every generated file by its name."""
    files = {"source_work.schema.json": _json(WORK.json_schema())}
    for name, table in TABLES.items():
        files |= _table_files(name, table)
    for name, curated in CURATED.items():
        files |= _table_files(f"curated_{name}", curated)
    return files


def stale(directory: Path = DIRECTORY) -> list[str]:
    """Name the files of a directory that are missing, differ or belong to no contract."""
    expected = render()
    present = {path.name for path in directory.glob("*") if path.is_file()}
    differing = {
        name
        for name, text in expected.items()
        if name not in present or (directory / name).read_text("utf-8") != text
    }
    return sorted(differing | (present - expected.keys()))


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` only compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    options = parser.parse_args(arguments)
    found = stale()
    if options.check:
        for name in found:
            print(f"{name} is stale: run python -m schemas.generate", file=sys.stderr)
        return 1 if found else 0
    DIRECTORY.mkdir(exist_ok=True)
    expected = render()
    for name in found:
        path = DIRECTORY / name
        if name in expected:
            path.write_text(expected[name], "utf-8")
        else:
            path.unlink()
        print(f"wrote {name}" if name in expected else f"removed {name}")
    return 0


def _table_files(name: str, table: Table | CuratedTable) -> dict[str, str]:
    glue: dict[str, Any] = {
        "description": table.description,
        "columns": glue_columns(table.columns),
    }
    if isinstance(table, Table):
        glue["partition_keys"] = glue_columns(PARTITIONS)
    return {
        f"{name}.glue.json": _json(glue),
        f"{name}.spark.json": _json(spark_schema(table.columns)),
        f"{name}.schema.json": _json(table.row.model_json_schema()),
        f"{name}.arrow.txt": f"{arrow_schema(table.columns)}\n",
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
