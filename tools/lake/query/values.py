"""Values of DuckDB's answer as Python has them, and as text where it has none."""

from decimal import Decimal
from typing import Any, Final

from lake.errors import QueryError

_DAY: Final = 86_400_000
#: What DuckDB counts for infinity, in days and in microseconds.
_INFINITE: Final = {2**31 - 1, 2**63 - 1}


def values(column: Any, kind: str) -> list[Any]:
    """Return the values of a column of Arrow.

    A date or time that Python cannot hold is text, and so is an interval.

    Parameters
    ----------
    column
        As DuckDB gave it.
    kind
        Its type as DuckDB calls it.

    Raises
    ------
    QueryError
        Athena would not have the value, or Python cannot hold it in any way.
    """
    try:
        found: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    except (OverflowError, ValueError):
        found = list(map(_far, column))
    except TypeError as error:
        raise QueryError(
            "A map whose keys are rows, arrays or maps cannot be shown.",
            "Select its map_keys and map_values.",
        ) from error
    # DuckDB's sums are whole numbers of 128 bits, which Arrow knows as decimals only.
    whole = "HUGEINT" in kind
    return [_value(value, whole) for value in found] if whole or "INTERVAL" in kind else found


def _far(scalar: Any) -> Any:
    """Return a value; as text a date or time that is too far away for Python."""
    import pyarrow as pa

    try:
        return scalar.as_py()
    except (OverflowError, ValueError) as error:
        if pa.types.is_nested(scalar.type):
            raise QueryError(
                "A date beyond the years 1 to 9999 cannot be shown inside an array, map or row.",
                "CAST it to varchar.",
            ) from error
        if abs(scalar.value) in _INFINITE:
            raise QueryError("Athena has no infinite date or time.") from error
        return str(scalar.cast(pa.string()).as_py()).removeprefix("+")


def _value(value: Any, whole: bool) -> Any:
    import pyarrow as pa

    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    if isinstance(value, list):
        return [_value(item, whole) for item in value]
    if isinstance(value, dict):
        return {_value(key, whole): _value(item, whole) for key, item in value.items()}
    return _whole(value) if whole else value


def _whole(value: Any) -> Any:
    if not isinstance(value, Decimal | float) or value != value // 1:
        return value
    if not -(2**63) <= value < 2**63:
        raise QueryError(
            f"{int(value)} is beyond 64 bits, and Athena's sums of whole numbers are not.",
            "Sum decimals: sum(CAST(... AS decimal(38, 0))).",
        )
    return int(value)


def _interval(value: Any) -> str:
    """Return an interval as Athena writes it: years-months, or days and a time."""
    months, milliseconds = value.months, value.days * _DAY + value.nanoseconds // 1_000_000
    parts = []
    if months:
        sign, count = ("-", -months) if months < 0 else ("", months)
        parts.append(f"{sign}{count // 12}-{count % 12}")
    if milliseconds or not months:
        sign, count = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
        days, rest = divmod(count, _DAY)
        seconds, fraction = divmod(rest, 1000)
        time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:03}"
        parts.append(f"{sign}{days} {time}")
    return " ".join(parts)
