"""Captured bodies of the real API and lines of real dumps, which are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def captured_samples() -> Path:
    """Return the folder that ``LAKE_SAMPLES`` names; skip the test where it is not set.

    Raises
    ------
    NotADirectoryError
        When the variable names something else: a wrong path must not pass for a missing one.
    """
    named = os.environ.get("LAKE_SAMPLES")
    if not named:
        pytest.skip("needs captured samples: set LAKE_SAMPLES to their folder")
    folder = Path(named)
    if not folder.is_dir():
        raise NotADirectoryError(f"LAKE_SAMPLES is {named}, which is not a folder")
    return folder
