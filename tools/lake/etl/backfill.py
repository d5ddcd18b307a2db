"""The bulk route: a dump of works into the same tables, through the same contracts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lake.errors import DumpError, EtlFailedError
from lake.etl import partitions
from lake.etl.bulk import Loaded, Route, ledger_of
from lake.etl.dump import (
    Dump,
    RemoteDump,
    digest_of,
    discard,
    fetch,
    is_url,
    local_dump,
    remote_dump,
)
from lake.etl.refresh import EtlResult
from lake.objects import object_keys
from lake.runs.ledger import read_ledger
from lake.steps import Say, Step
from schemas import keys
from schemas.ledger.run import DumpLedger, DumpSource
from schemas.tables import QUARANTINE

# What the job says of a file that did not arrive as it was sent, or was damaged here.
UNREADABLE = ("dump.empty", "dump.truncated", "dump.damaged")


@dataclass(frozen=True)
class BackfillResult:
    """The outcome; the keys are those of `./lake backfill --json`, with `seconds` by part."""

    dump: str
    loaded: Loaded
    etl: EtlResult
    seconds: dict[str, float] = field(default_factory=dict)


def run_backfill(
    route: Route, folder: Path, place: str, run_id: str | None, step: Step, *, agent: str
) -> BackfillResult:
    """Load a dump and bring the curated tables up to date.

    Parameters
    ----------
    route
        The route into the lake.
    folder
        Where dumps are fetched to.
    place
        A path, absolute or relative to the working folder, or an https address.
    run_id
        The run that the dump becomes; by default that of the date in its name.
    step
        Shows one step; yields a function that shows its progress.
    agent
        The User-Agent by which a dump is fetched.

    Raises
    ------
    DumpError, EtlError
        The dump is missing or is not a works dump; nothing was loaded.
    """
    started = time.monotonic()
    with step("Load the dump") as say:
        name, loaded = _load(route, folder, place, run_id, agent, say)
    between = time.monotonic()
    with step("ETL") as say:
        result = route.run_etl(say)
    seconds = {"load": between - started, "etl": time.monotonic() - between}
    rounded = {part: round(taken, 2) for part, taken in seconds.items()}
    return BackfillResult(name, loaded, result, rounded)


def loaded_before(route: Route, bucket: str, named: Dump | RemoteDump) -> Loaded | None:
    """Return the outcome of a dump that was loaded before; None if it was not.

    Raises
    ------
    DumpError
        The run is a crawl, or was loaded from another dump.
    """
    cloud, run_id = route.cloud, named.run_id
    written = object_keys(cloud, bucket, keys.run_prefix(run_id))
    after = {keys.processed_ledger_key(run_id), keys.curated_ledger_key(run_id)}
    if not after.issuperset(written):
        raise DumpError(
            f"The run {run_id} is a crawl.",
            "Give the dump another run with --run-id: another time of its day.",
        )
    ledger = read_ledger(cloud, bucket, keys.processed_ledger_key(run_id), DumpLedger)
    if ledger and ledger.dump and _is_another(route, bucket, named, ledger.dump):
        raise DumpError(
            f"The run {run_id} was loaded from another dump: {ledger.dump.name} of"
            f" {ledger.dump.size} bytes.",
            "Give this one another run with --run-id: a later time of its day.",
        )
    return ledger_of(cloud, bucket, run_id, "unchanged")


def _is_another(route: Route, bucket: str, named: Dump | RemoteDump, told: DumpSource) -> bool:
    if named.name != told.name or named.size not in (told.size, None):
        return True
    # What is not fetched is known by its name and size alone.
    digest = route.digest_of(bucket, told) if isinstance(named, Dump) else None
    return isinstance(named, Dump) and digest not in (None, digest_of(named.path))


def _load(
    route: Route, folder: Path, place: str, run_id: str | None, agent: str, say: Say
) -> tuple[str, Loaded]:
    bucket = route.cloud.parameter("foundation/data-bucket")
    named = remote_dump(place, agent, run_id) if is_url(place) else local_dump(Path(place), run_id)
    loaded = loaded_before(route, bucket, named)
    if loaded is None:
        with _fetched(named, folder, say) as dump:
            loaded = route.load(bucket, dump, say)
    if loaded.quarantined:
        day = keys.parse_run_id(loaded.run_id).date().isoformat()
        partitions.register(route.cloud, bucket, QUARANTINE, day)
    return named.name, loaded


@contextmanager
def _fetched(named: Dump | RemoteDump, folder: Path, say: Say) -> Iterator[Dump]:
    if isinstance(named, Dump):
        yield named
        return

    def show(have: int, whole: int | None) -> None:
        of = f" of {whole / 1e6:,.0f}" if whole else ""
        say(f"fetch {have / 1e6:,.0f}{of} MB")

    path = fetch(named, folder, show)
    try:
        yield local_dump(path, named.run_id)
    except (DumpError, EtlFailedError) as error:
        # After any other failure it need not be fetched again.
        if isinstance(error, DumpError) or error.code in UNREADABLE:
            discard(path)
        raise
    discard(path)
