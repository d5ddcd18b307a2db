"""Results of queries as Parquet and as a Markdown table."""

import io
from collections.abc import Sequence
from typing import Any

from lake.query.tabular import QueryResult, distinct_names, plain_text


def to_markdown(result: QueryResult) -> str:
    """Return a table of GitHub's Markdown."""
    lines = [result.columns, ["---"] * len(result.columns)]
    lines += [["" if value is None else plain_text(value) for value in row] for row in result.rows]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def to_parquet(result: QueryResult) -> bytes:
    """Return a Parquet file; of two columns with one name the second gets `_2`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
    arrays = [_array(kind, values) for kind, values in zip(result.types, columns, strict=True)]
    file = io.BytesIO()
    pq.write_table(pa.table(arrays, names=distinct_names(result.columns)), file, compression="zstd")
    return file.getvalue()


def _array(type_name: str, values: Sequence[Any]) -> Any:
    import pyarrow as pa

    arrow_type = _arrow_type(type_name)
    texts = [None if value is None else plain_text(value) for value in values]
    # A value that Python cannot hold stays text, and with it the column.
    is_text = any(isinstance(value, str) for value in values)
    if arrow_type is None or (is_text and not pa.types.is_string(arrow_type)):
        return pa.array(texts, pa.string())
    if pa.types.is_map(arrow_type):
        values = [None if value is None else list(value.items()) for value in values]
    try:
        return pa.array(values, arrow_type)
    except (pa.ArrowException, TypeError, OverflowError):
        # The catalogue's types, by which this one was named, have no time of day.
        return pa.array(texts, pa.string())


def _arrow_type(type_name: str) -> Any:
    """Return the Arrow type of one of Athena's; None if it becomes text."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    from lake.errors import QueryError
    from lake.query.catalogue import arrow_type

    # Athena itself only says `array`, and its values are text.
    if type_name in ("array", "map", "row", "decimal", "unknown", "time"):
        return None
    try:
        return arrow_type(exp.DataType.build(type_name, dialect="trino").sql(dialect="hive"))
    except (QueryError, SqlglotError):
        return None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
