"""The load of a published build into Redshift: SQL made from the contracts. Pure.

Every table is copied from its Parquet files into a staging table and merged from there, and rows
that the build no longer has are deleted. All of it is one transaction, so that a query sees the
build before or this one, in all tables.

Types: texts are as long as Redshift lets them be (65535 bytes; a longer one fails the load), lists
and structs are SUPER, timestamps are UTC. Sources:
https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html,
https://docs.aws.amazon.com/redshift/latest/dg/r_MERGE.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from glue_etl.errors import InvalidArgumentsError
from schemas.curated_tables import CURATED, CuratedTable
from schemas.derive.columns import ColumnType

_TYPES: Final = {
    "string": "VARCHAR(65535)",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}
#: What may stand between quotes: nothing that could end them.
_PLAIN: Final = re.compile(r"[A-Za-z0-9!_.*()=:/+@,-]+")


@dataclass(frozen=True, slots=True)
class Load:
    """The load of one build.

    Attributes
    ----------
    curated
        URI of the curated tables.
    schema
        Schema of the warehouse that holds the tables.
    role
        ARN of the role by which Redshift reads the files.
    """

    curated: str
    build: str
    schema: str
    role: str

    def __post_init__(self) -> None:
        for text in (self.curated, self.role):
            if not _PLAIN.fullmatch(text):
                raise InvalidArgumentsError(f"{text!r} cannot stand in a statement of SQL")

    def definitions(self) -> list[str]:
        """Return the statements that make what is missing."""
        return [
            f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"',
            *(self._create(table) for table in CURATED.values()),
        ]

    def statements(self) -> list[str]:
        """Return the statements of the load, for one transaction; a repetition changes nothing."""
        return [statement for table in CURATED.values() for statement in self._statements_of(table)]

    def _statements_of(self, table: CuratedTable) -> Iterator[str]:
        target, stage = self._target(table), _stage(table)
        yield f"CREATE TEMP TABLE {stage} (LIKE {target})"
        yield (
            f"COPY {stage} FROM '{self.curated}{table.folder(self.build)}' IAM_ROLE '{self.role}'"
            f" FORMAT AS PARQUET{' SERIALIZETOJSON' if _has_super(table) else ''}"
        )
        yield _merge(table, target, stage)
        kept = f"SELECT 1 FROM {stage} WHERE {_same_key(table, stage)}"  # noqa: S608  # own names
        yield f"DELETE FROM {target} WHERE NOT EXISTS ({kept})"  # noqa: S608  # own names

    def _create(self, table: CuratedTable) -> str:
        columns = [
            f'"{column.name}" {_type(column.type)}{" NOT NULL" if column.name in table.key else ""}'
            for column in table.columns
        ]
        # Redshift does not check a primary key; its planner uses it.
        columns.append(f"PRIMARY KEY ({_names(table.key)})")
        sort = f"SORTKEY ({_names(table.sort)})"
        return f"CREATE TABLE IF NOT EXISTS {self._target(table)} ({', '.join(columns)}) {sort}"

    def _target(self, table: CuratedTable) -> str:
        return f'"{self.schema}"."{table.name}"'


def _merge(table: CuratedTable, target: str, stage: str) -> str:
    names = [column.name for column in table.columns]
    changes = ", ".join(f'"{name}" = {stage}."{name}"' for name in names if name not in table.key)
    values = ", ".join(f'{stage}."{name}"' for name in names)
    new = f"INSERT ({_names(names)}) VALUES ({values})"  # noqa: S608  # own names
    return (
        f"MERGE INTO {target} USING {stage} ON {_same_key(table, stage)}"
        f" WHEN MATCHED THEN UPDATE SET {changes} WHEN NOT MATCHED THEN {new}"
    )


def _same_key(table: CuratedTable, stage: str) -> str:
    return " AND ".join(f'"{table.name}"."{name}" = {stage}."{name}"' for name in table.key)


def _stage(table: CuratedTable) -> str:
    return f'"stage_{table.name}"'


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _type(column_type: ColumnType) -> str:
    return _TYPES[column_type] if isinstance(column_type, str) else "SUPER"


def _has_super(table: CuratedTable) -> bool:
    return any(not isinstance(column.type, str) for column in table.columns)
