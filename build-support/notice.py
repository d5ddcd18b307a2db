"""Write NOTICE: the licence of each package that the services and ./lake use.

    .lake/venv/lake/bin/python build-support/notice.py PYTHON...

PYTHON is the interpreter of each environment that has the packages of a lock in LOCKS installed;
their own metadata say the licence. A test compares the names in NOTICE with those in the locks.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What ships in a package, or runs the lake on a user's machine. Superset and the tools that check
#: the code have environments of their own, with the licences of their distributions.
LOCKS = ("default", "lake", "ministack", "report", "spark")
#: Of packages that only other systems install, from their pages on PyPI.
ELSEWHERE = {"colorama": "BSD-3-Clause", "pywin32": "PSF-2.0"}
HEAD = """openlake
Licensed under the Apache License, Version 2.0: see LICENSE.

The services and ./lake use these packages, each under its own licence; none of them is part of this
repository. Made by build-support/notice.py from the packages' metadata.

No data of OpenLibrary are part of it either. For the terms of its data and of its API see
https://openlibrary.org/developers/licensing and https://openlibrary.org/developers/api

"""
_READ = """
import importlib.metadata as metadata, json
print(json.dumps({
    found.metadata["Name"]: [
        found.metadata.get("License-Expression"), found.metadata.get("License"),
        [text for text in found.metadata.get_all("Classifier") or [] if text.startswith("License")],
    ]
    for found in metadata.distributions()
}))
"""


def locked(name: str) -> set[str]:
    """Return the names of the packages in a lock, in their normal form."""
    text = (ROOT / f"3rdparty/python/{name}.lock").read_text("utf-8")
    return {normal(found) for found in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def normal(name: str) -> str:
    """Return the one form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(expression: str | None, text: str | None, classifiers: list[str]) -> str:
    """Return a licence in few words, from what metadata say of it."""
    first = (text or "").strip().splitlines()[:1]
    if expression:
        return expression
    if classifiers:
        return ", ".join(name.rpartition(":: ")[2] for name in classifiers)
    # Some packages put the whole text there.
    return re.sub(r"^The |\s+Copyright.*", "", first[0])[:60] if first else "see the package"


def main(interpreters: list[str]) -> None:
    """Write the file."""
    found = dict(ELSEWHERE)
    for python in interpreters:
        read = json.loads(subprocess.check_output([python, "-c", _READ], text=True))
        found |= {normal(name): licence(*parts) for name, parts in read.items()}
    names = sorted(set().union(*map(locked, LOCKS)))
    missing = [name for name in names if name not in found]
    if missing:
        sys.exit(f"error: not installed in any of these environments: {', '.join(missing)}")
    lines = [f"{name}: {found[name]}\n" for name in names]
    (ROOT / "NOTICE").write_text(HEAD + "".join(lines), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
