"""Functions that die or overlap, clocks that differ, a full disk, a burst, a power cut."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import psutil

from lake.runs import heartbeat
from schemas import keys
from tests.faults.lab import BURST, PAGE_SIZE, SUBJECTS, Lab
from tests.faults.proxy import Fault
from tests.faults.scenario import Scenario, require, require_clean

_BURST_PAGES: Final = 1000
_KILLS: Final = 3
#: Works of a run that is long enough to be interrupted. Some of so many have no key and cannot be
#: counted, so that such a run is partial.
_LONG: Final[list[heartbeat.Subject]] = [{"subject": BURST[0], "max_works": 600}]


def scenarios() -> list[Scenario]:
    """Return the scenarios of this module; the power cut is the last."""
    return [
        Scenario("process:killed", f"killed {_KILLS} times; the messages come again", _killed),
        Scenario("ingest:twice-at-once", "one crawls, the other does nothing", _twice),
        Scenario("ingest:late-heartbeat", "a run that has ended stays as it is", _late),
        Scenario("clock:schedule-ahead", "refused; the next run is not kept back", _ahead),
        Scenario("clock:ingest-skewed", "S3 refuses; a later heartbeat goes on", _skewed_ingest),
        Scenario("clock:process-skewed", "S3 refuses; the messages come again", _skewed_process),
        Scenario("disk:full", "functions need no disk, and go on", _full_disk),
        Scenario(f"burst:{_BURST_PAGES}-pages", "each page is processed once", _burst),
        Scenario("aws:killed", "it keeps nothing: deployed and crawled anew", _power_cut),
    ]


def _killed(lab: Lab, chance: random.Random) -> str:
    killed = 0
    with lab.paused():
        run_id = lab.crawl(lab.new_run(), _LONG)
    for _ in range(_KILLS):
        before = len(_receipts(lab, run_id))
        lab.wait(lambda: len(_receipts(lab, run_id)) > before, "progress", 60)  # noqa: B023
        killed += lab.end_workers("process")
    lab.settle(run_id, limit=240)
    return f"{killed} containers killed; {require_clean(lab, run_id, status='partial')}"


def _twice(lab: Lab, _: random.Random) -> str:
    scheduled = lab.new_run()
    sent = len(lab.source.requests())
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: lab.send_heartbeat(scheduled, SUBJECTS), range(2)))
    run_id = lab.crawl(scheduled, SUBJECTS)
    lab.settle(run_id)
    asked = [(one.path, str(one.params)) for one in lab.source.requests()[sent:]]
    require(len(asked) == len(set(asked)), f"a page was asked for twice: {asked}")
    return f"{len(asked)} requests; {require_clean(lab, run_id)}"


def _late(lab: Lab, _: random.Random) -> str:
    scheduled = lab.new_run()
    run_id = lab.crawl(scheduled, SUBJECTS)
    lab.settle(run_id)
    before, manifest = lab.pages(run_id), lab.read(keys.manifest_key(run_id))
    lab.send_heartbeat(scheduled, SUBJECTS)
    require(lab.pages(run_id) == before, "pages have changed")
    require(lab.read(keys.manifest_key(run_id)) == manifest, "the manifest has changed")
    return require_clean(lab, run_id)


def _ahead(lab: Lab, _: random.Random) -> str:
    failed = len(lab.failed_heartbeats)
    future = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
    lab.send_heartbeat(future, SUBJECTS)
    require(not lab.pages(keys.new_run_id(future)), "a run of the future was begun")
    run_id = lab.crawl(lab.new_run(), SUBJECTS)
    lab.settle(run_id)
    return f"{len(lab.failed_heartbeats) - failed} heartbeat refused; {require_clean(lab, run_id)}"


def _skewed_ingest(lab: Lab, chance: random.Random) -> str:
    return _skewed(lab, "ingest.PutObject.page", chance.randint(1, 4))


def _skewed_process(lab: Lab, chance: random.Random) -> str:
    return _skewed(lab, "process.GetObject.page", chance.randint(1, 4))


def _skewed(lab: Lab, call: str, times: int) -> str:
    fault = Fault(call, "skewed", times=times)
    with lab.proxy.injecting(fault):
        run_id = lab.crawl(lab.new_run(), SUBJECTS)
        lab.settle(run_id)
    require(fault.injected, "the call was not made")
    return f"{fault.injected} calls refused; {require_clean(lab, run_id)}"


def _full_disk(lab: Lab, _: random.Random) -> str:
    with _no_file_may_grow(lab):
        run_id = lab.crawl(lab.new_run(), SUBJECTS)
        lab.settle(run_id)
    return require_clean(lab, run_id)


@contextmanager
def _no_file_may_grow(lab: Lab) -> Iterator[None]:
    # As a full disk does, this fails writes and nothing else, and needs no rights of root. The
    # local AWS keeps objects in memory first, so what is tried is the functions.
    lab.send_heartbeat(lab.new_run(), SUBJECTS)
    workers = [one for name in ("ingest", "process") for one in lab.containers(name)]
    require(workers, "no container runs")
    before = {one: one.rlimit(psutil.RLIMIT_FSIZE) for one in workers}
    for one in workers:
        one.rlimit(psutil.RLIMIT_FSIZE, (0, before[one][1]))
    try:
        yield
    finally:
        for one in workers:
            if one.is_running():
                one.rlimit(psutil.RLIMIT_FSIZE, before[one])


def _burst(lab: Lab, _: random.Random) -> str:
    subjects: list[heartbeat.Subject] = [
        {"subject": one, "max_works": _BURST_PAGES // len(BURST) * PAGE_SIZE} for one in BURST
    ]
    run_id = lab.crawl(lab.new_run(), subjects, limit=180)
    lab.settle(run_id, limit=400)
    return f"{len(lab.pages(run_id))} pages; {require_clean(lab, run_id, status='partial')}"


def _power_cut(lab: Lab, _: random.Random) -> str:
    scheduled = lab.new_run()
    with lab.proxy.injecting(Fault("ingest.PutObject.page", "lost", skip=1)):
        lab.send_heartbeat(scheduled, SUBJECTS)
    lab.kill_server()
    lab.deploy()
    run_id = lab.crawl(scheduled, SUBJECTS)
    lab.settle(run_id)
    return require_clean(lab, run_id)


def _receipts(lab: Lab, run_id: str) -> list[str]:
    return lab.keys(keys.receipts_prefix(run_id))
