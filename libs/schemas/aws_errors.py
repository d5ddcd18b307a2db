"""What S3 and Glue answer with when they refuse a call: their codes, and what each means.

An answer without a body, as to HEAD, has its status for a code.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: There is no such object.
ABSENT: Final = frozenset({"NoSuchKey", "NotFound", "404"})
#: A conditional write came second: the object is another one than it was to be.
CHANGED: Final = frozenset({"PreconditionFailed", "412"})
#: A conditional write met another one; who wins is open.
UNDER_WAY: Final = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
#: The caller lacks a right, which no repetition brings. Not so a token that expired, or a clock
#: that is wrong.
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403"})


def error_code(response: Mapping[str, Any]) -> str:
    """Return the code of a refused call.

    Parameters
    ----------
    response
        The answer as botocore has it (``ClientError.response``).
    """
    return str(response.get("Error", {}).get("Code", ""))


def is_denied(response: Mapping[str, Any]) -> bool:
    """Return whether a call was refused because its caller lacks a right."""
    return error_code(response) in DENIED
