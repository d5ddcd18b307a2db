"""Record the columns of this contract version: ``python -m schemas.derive.release``.

They lie in ``released/``, and later versions are compared with them. What is recorded of a version
never changes: a contract that does gets a new version first, in ``schemas/version.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from schemas.curated_tables import CURATED
from schemas.derive.compatibility import describe
from schemas.tables import TABLES
from schemas.version import CONTRACT_VERSION

DIRECTORY: Final = Path(__file__).parents[1] / "released"


def main(arguments: list[str] | None = None, directory: Path = DIRECTORY) -> int:
    """Write what is not recorded yet; return 1 where a recorded table has changed."""
    argparse.ArgumentParser(
        prog="python -m schemas.derive.release", description=__doc__
    ).parse_args(arguments)
    tables = {name: table.columns for name, table in TABLES.items()}
    tables |= {f"curated_{name}": table.columns for name, table in CURATED.items()}
    changed = False
    for name, columns in tables.items():
        path = directory / f"{name}.v{CONTRACT_VERSION}.json"
        text = json.dumps(describe(columns), indent=2) + "\n"
        if not path.exists():
            path.write_text(text, "utf-8")
            print(f"recorded {path.name}")
        elif json.loads(path.read_text("utf-8")) != json.loads(text):
            changed = True
            print(f"{path.name} differs: raise CONTRACT_VERSION first", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
