"""Why a record does not fit its contract: a stable code, a sentence, and the field to blame."""

from __future__ import annotations

from typing import Final, NamedTuple

from pydantic import ValidationError

#: Stable codes by the kind of error that pydantic reports.
RECORD_CODES: Final = {
    "missing": "record.missing_field",
    "dict_type": "record.not_an_object",
    "string_pattern_mismatch": "record.invalid_key",
    "string_unicode": "record.invalid_text",
    "greater_than_equal": "record.out_of_range",
    "less_than_equal": "record.out_of_range",
}
FIELD_TYPE: Final = "record.field_type"
INVALID: Final = "record.invalid"


class Reason(NamedTuple):
    """Why a record is rejected; ``field`` is the path of the field to blame, if one is."""

    code: str
    message: str
    field: str | None = None


def reason_of(error: ValidationError) -> Reason:
    """Return what the first of pydantic's findings says; the message counts the others."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = found[0]
    path = ".".join(map(str, first["loc"])) or None
    kind = first["type"]
    default = FIELD_TYPE if kind.endswith(("_type", "_from_float")) else INVALID
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Reason(
        RECORD_CODES.get(kind, default), f"{path or 'the record'}: {first['msg']}{more}", path
    )
