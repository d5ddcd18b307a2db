"""One heartbeat in a process of its own, which may be killed at any moment.

Run as ``python -m benchmarks.ingest.suite.heartbeats``, with the arguments as one JSON object; it
prints what the heartbeat did.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.ingest.suite.crawls import Watch, heartbeat
from benchmarks.ingest.suite.environment import FolderStore


def main(argument: str) -> None:
    """Send one heartbeat."""
    wanted = json.loads(argument)
    store = FolderStore(Path(wanted.pop("folder")))
    result = heartbeat(store=store, watch=Watch(store), **wanted)
    sys.stdout.write(json.dumps(result.to_dict()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
