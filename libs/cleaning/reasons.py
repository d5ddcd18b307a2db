"""Why a record does not fit its contract: a stable code, a sentence, and the field to blame."""

from __future__ import annotations

from typing import Final, NamedTuple

from pydantic import ValidationError

FIELD_TYPE: Final = "record.field_type"
INVALID: Final = "record.invalid"
INVALID_TEXT: Final = "record.invalid_text"
NOT_JSON: Final = "record.not_json"
TOO_DEEP: Final = "record.too_deep"
TOO_MANY_ENTRIES: Final = "record.too_many_entries"
#: Stable codes by the kind of error that pydantic reports.
RECORD_CODES: Final = {
    "missing": "record.missing_field",
    "dict_type": "record.not_an_object",
    "string_pattern_mismatch": "record.invalid_key",
    "string_unicode": INVALID_TEXT,
    "greater_than_equal": "record.out_of_range",
    "less_than_equal": "record.out_of_range",
}

# A part of the record that is not an object has another type than the contract says.
_NOT_AN_OBJECT: Final = "field_type"
# pydantic adds the member of a union that it tried to the path of the field.
_UNION_MEMBERS: Final = ("bool", "literal[")


class Reason(NamedTuple):
    """Why a record is rejected; ``field`` is the path of the field to blame, if one is."""

    code: str
    message: str
    field: str | None = None


#: Of a lone surrogate, which parsers take and no file can hold.
NOT_UNICODE: Final = Reason(INVALID_TEXT, "the record's text is not Unicode")


def reason_of(error: ValidationError) -> Reason:
    """Return what the first of pydantic's findings says; the message counts the others."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    first = found[0]
    path = ".".join(map(str, _fields(first["loc"]))) or None
    kind = first["type"] if path is None or first["type"] != "dict_type" else _NOT_AN_OBJECT
    default = FIELD_TYPE if kind.endswith(("_type", "_from_float")) else INVALID
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Reason(
        RECORD_CODES.get(kind, default), f"{path or 'the record'}: {first['msg']}{more}", path
    )


def _fields(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    if location and str(location[-1]).startswith(_UNION_MEMBERS):
        return location[:-1]
    return location
