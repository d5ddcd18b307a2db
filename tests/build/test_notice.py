"""NOTICE names every package of the locks, with a licence."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def notice() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notice", "build-support/notice.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_package_is_named_with_its_licence(notice: ModuleType) -> None:
    named = dict(re.findall(r"^([a-z0-9-]+): (.+)$", Path("NOTICE").read_text("utf-8"), re.M))
    locked = {name for lock in notice.LOCKS for name in notice.locked(lock)}

    assert len(locked) > 50
    assert named.keys() == locked


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        (("MIT", None, []), "MIT"),
        ((None, "MIT License  Copyright (c) 2026 X", []), "MIT License"),
        ((None, "", ["License :: OSI Approved :: BSD License"]), "BSD License"),
        ((None, None, []), "see the package"),
    ],
)
def test_a_licence_is_told_in_few_words(
    notice: ModuleType, metadata: tuple[str | None, str | None, list[str]], told: str
) -> None:
    assert notice.licence(*metadata) == told
