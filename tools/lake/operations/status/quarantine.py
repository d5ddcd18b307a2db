"""What is quarantined of a run, by reason: read from its files, which are small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from lake.aws import Cloud
from lake.objects import list_objects
from lake.operations.check.storage import Bucket, UnreadableError, json_lines
from schemas import keys
from schemas.tables import QUARANTINE

#: Files that are read of a run; the table has all.
MOST_FILES = 500
_AT_ONCE = 8


@dataclass(frozen=True)
class QuarantineStatus:
    """The quarantine of a run.

    Attributes
    ----------
    reasons
        Records by reason code, most first.
    complete
        Whether all of its files were read.
    """

    run_id: str
    reasons: Mapping[str, int]
    complete: bool


@dataclass
class QuarantineReader:
    """Reads quarantines; a file that was read is read again only when it has changed."""

    _known: dict[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)

    def read(self, cloud: Cloud, bucket: str, run_id: str) -> QuarantineStatus:
        """Return what is quarantined of a run."""
        prefix = keys.quarantined_run_prefix(QUARANTINE.location, run_id)
        listed = islice(list_objects(cloud, bucket, prefix), MOST_FILES + 1)
        found = [(item.key, item.etag) for item in listed]
        read = found[:MOST_FILES]
        fresh = [name for name in read if name not in self._known]
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            counted = readers.map(lambda name: _reasons(cloud, bucket, name[0]), fresh)
            self._known |= dict(zip(fresh, counted, strict=True))
        total: Counter[str] = Counter()
        for name in read:
            total.update(self._known[name])
        return QuarantineStatus(run_id, dict(total.most_common()), len(read) == len(found))


def _reasons(cloud: Cloud, bucket: str, key: str) -> Mapping[str, int]:
    body = Bucket(cloud, bucket).read(key)
    try:
        lines = json_lines(body) if body is not None else []
    except UnreadableError:
        # `./lake check` names the file by the same code.
        return {"object.unreadable": 1}
    return Counter(str(one.get("reason_code")) for one in lines)
