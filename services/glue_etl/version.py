"""The service's version, as in the file ``VERSION``."""

from __future__ import annotations

from typing import Final

# Written out, because Glue runs the package from a zip; a test compares it with the file.
SERVICE_VERSION: Final = "0.2.0"
