"""What holds at the end of every history, computed from raw pages by a naive reading of its own."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from hashlib import md5
from typing import Any

from schemas.fingerprints import NO_FILES, fingerprint, run_fingerprints
from schemas.keys import (
    COMPACTED_PREFIX,
    CURATED_PREFIX,
    PROCESSED_PREFIX,
    QUARANTINE_PREFIX,
    RAW_PREFIX,
    RUNS_PREFIX,
    RawKey,
    below,
    curated_ledger_key,
    manifest_key,
    parse_run_folder,
    processed_ledger_key,
    receipts_prefix,
)
from schemas.ledger.compacted import PAGED
from tests.simulation.actors import RATE, Lake, rows_at
from tests.simulation.ports import LAKE

_REVISED = ("/processed.json", "/sum.json")
_WRITTEN_ONCE = (RAW_PREFIX, f"{PROCESSED_PREFIX}works/", f"{QUARANTINE_PREFIX}works/")


def problems(lake: Lake) -> Iterator[str]:
    """Return what does not hold."""
    yield from unsettled(lake)
    yield from lake.holes[:5]
    yield from not_conserved(lake)
    yield from changed_though_final(lake)
    yield from untrue_ledgers(lake)
    yield from impolite(lake)
    yield from wrong_tables(lake)


def runs_of(lake: Lake) -> list[str]:
    """Return the runs that have begun."""
    folders = {key.split("/")[1] for key in lake.cloud.keys(RUNS_PREFIX)}
    return sorted(run for run in map(parse_run_folder, folders) if run)


def unsettled(lake: Lake) -> Iterator[str]:
    """Return what has not come to its end."""
    for run in runs_of(lake):
        for key in (manifest_key(run), processed_ledger_key(run), curated_ledger_key(run)):
            if key not in lake.cloud.objects:
                yield f"{key} is missing"
    yield from not_built(lake)
    yield from not_compacted(lake)
    if lake.cloud.queue or lake.cloud.dead_letters:
        yield f"{len(lake.cloud.queue)} messages, {len(lake.cloud.dead_letters)} dead letters"


def not_built(lake: Lake) -> Iterator[str]:
    """Return runs whose files are not those that the curated tables are made of."""
    # What was written last counts, whether the file is still there or only its rows are.
    newest = ((key, bodies[-1]) for key, bodies in lake.cloud.versions.items())
    found = run_fingerprints(
        (below(PROCESSED_PREFIX, key), md5(body, usedforsecurity=False).hexdigest())
        for key, body in newest
        if key.startswith(PROCESSED_PREFIX)
    )
    for run in runs_of(lake):
        if document(lake, curated_ledger_key(run)).get("fingerprint") != found.get(run, NO_FILES):
            yield f"run {run} is not built as it is"


def document(lake: Lake, key: str) -> dict[str, Any]:
    """Read a JSON object; empty when there is none."""
    found = lake.cloud.objects.get(key)
    return json.loads(found.body) if found else {}


@lru_cache(maxsize=512)
def naive_page(body: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return a raw page's works and the number of records that are none."""
    records = json.loads(gzip.decompress(body))["works"]
    good = [{"work_key": one["key"], "title": one["title"]} for one in records if "key" in one]
    return good, len(records) - len(good)


def is_empty(body: bytes) -> bool:
    """Return whether an output of a page holds no row and no record."""
    return body == b"[]" or (body.startswith(b"\x1f\x8b") and not gzip.decompress(body))


def rows_seen(lake: Lake) -> dict[str, list[dict[str, str]]]:
    """Return the rows of works that readers of the catalogue find in the end, by page."""
    return {
        path: rows
        for (table, _), location in lake.cloud.partitions.items()
        if table == "works"
        for path, rows in rows_at(lake.cloud, lake.cloud.keys(location.removeprefix(LAKE))).items()
    }


def not_compacted(lake: Lake) -> Iterator[str]:
    """Return days whose newest rows readers do not see in compacted files."""
    seen = rows_seen(lake)
    for (table, day), location in lake.cloud.partitions.items():
        if table in PAGED and COMPACTED_PREFIX not in location:
            yield f"{day} of {table} is not compacted"
    for key, bodies in lake.cloud.versions.items():
        if key.startswith(f"{PROCESSED_PREFIX}works/"):
            path = below(PROCESSED_PREFIX, key)
            if seen.get(path, []) != json.loads(bodies[-1]):
                yield f"{path} is not seen as it was written last"


def not_conserved(lake: Lake) -> Iterator[str]:
    """Return pages whose records are not in processed or in quarantine exactly once."""
    objects, expected, seen = lake.cloud.objects, set(), rows_seen(lake)
    for key in lake.cloud.keys(RAW_PREFIX):
        page = RawKey.parse(key)
        good, bad = naive_page(objects[key].body)
        rows_key, bad_key = page.processed_key("works"), page.quarantine_key("works")
        expected |= {rows_key} if good else set()
        expected |= {bad_key} if bad else set()
        rows = [
            {name: row[name] for name in ("work_key", "title")}
            for row in seen.get(below(PROCESSED_PREFIX, rows_key), [])
        ]
        lines = gzip.decompress(objects[bad_key].body) if bad_key in objects else b""
        if rows != good or len(lines.splitlines()) != bad:
            yield f"{key}: {len(rows)} rows of {len(good)}, {len(lines.splitlines())} of {bad} bad"
        receipt = document(lake, page.receipt_key)
        if (receipt.get("rows"), receipt.get("quarantined")) != (len(good), bad):
            yield f"{key}: the receipt says {receipt.get('rows')}, {receipt.get('quarantined')}"
    for prefix in _WRITTEN_ONCE[1:]:
        for key in lake.cloud.keys(prefix):
            # A corrected process empties what it no longer writes.
            if key not in expected and not is_empty(objects[key].body):
                yield f"{key} is of no page"


def changed_though_final(lake: Lake) -> Iterator[str]:
    """Return objects that were written twice, or with other bytes, and may not be."""
    # A page that both versions of process had has an output of each.
    most = 2 if lake.replayed else 1
    for key, bodies in lake.cloud.versions.items():
        of_run = key.startswith(RUNS_PREFIX)
        if of_run and key.endswith(_REVISED):
            yield from not_revised(key, bodies)
        elif of_run and "/pages/" in key:
            if len(set(bodies)) > most or (not lake.replayed and len(bodies) > 1):
                yield f"{key} was written {len(bodies)} times"
        elif (of_run and "curated" not in key) or key.startswith(RAW_PREFIX):
            if len(bodies) > 1:
                yield f"{key} was written {len(bodies)} times"
        elif key.startswith(_WRITTEN_ONCE) and len(set(bodies)) > most:
            yield f"{key} was written with {len(set(bodies))} contents"
    if lake.metrics["RunsProcessed"] > len(runs_of(lake)):
        yield f"{lake.metrics['RunsProcessed']} runs counted as processed"
    yield from lake.cloud.premature


def not_revised(key: str, bodies: list[bytes]) -> Iterator[str]:
    """Return where a version of a ledger is not of another state than the one before."""
    versions = list(map(json.loads, bodies))
    if [one["revision"] for one in versions] != list(range(1, len(versions) + 1)):
        yield f"{key} has the revisions {[one['revision'] for one in versions]}"
    if any(one["state"] == other["state"] for one, other in itertools.pairwise(versions)):
        yield f"{key} was written twice for the same state"


def untrue_ledgers(lake: Lake) -> Iterator[str]:
    """Return runs whose manifest or ledger is not what lies in the bucket."""
    for run in runs_of(lake):
        manifest = document(lake, manifest_key(run))
        listed = [page["key"] for one in manifest.get("subjects", []) for page in one["pages"]]
        stored = [key for key in lake.cloud.keys(RAW_PREFIX) if RawKey.parse(key).run_id == run]
        if sorted(listed) != stored:
            yield f"run {run}: {len(listed)} pages in the manifest, {len(stored)} stored"
        pages = [naive_page(lake.cloud.objects[key].body) for key in stored]
        sums = (len(stored), sum(len(good) for good, _ in pages), sum(bad for _, bad in pages))
        ledger = document(lake, processed_ledger_key(run))
        prefix = receipts_prefix(run)
        etags = ((key, lake.cloud.objects[key].etag) for key in lake.cloud.keys(prefix))
        if ledger.get("state") != fingerprint((below(prefix, key), etag) for key, etag in etags):
            yield f"run {run}: the ledger is not of the receipts that are there"
        told = tuple(ledger.get(name) for name in ("pages", "rows", "quarantined"))
        if told != sums or ledger.get("mismatches"):
            yield f"run {run}: ledger {told}, bucket {sums}, {ledger.get('mismatches')}"


def impolite(lake: Lake) -> Iterator[str]:
    """Return windows with too many requests, and crawlers that worked beside another."""
    sent = sorted(lake.source.sent)
    for (first, _), (later, _) in zip(sent, sent[RATE:], strict=False):
        if later - first <= 1.0:
            yield f"more than {RATE} requests in the second from {first:.3f}"
            break
    over: set[str] = set()
    for (_, before), (at, owner) in itertools.pairwise(sent):
        over |= {before} if before != owner else set()
        if owner in over:
            yield f"{owner} sent a request at {at:.3f} after another crawler had"
            break


def wrong_tables(lake: Lake) -> Iterator[str]:
    """Return how the tables that readers see differ from those made of all raw pages."""
    expected: dict[str, str] = {}
    for key in sorted(lake.cloud.keys(RAW_PREFIX), key=_order):
        for work in naive_page(lake.cloud.objects[key].body)[0]:
            expected[work["work_key"]] = work["title"]
    found: dict[str, str] = {}
    locations = {name: one for name, (one, _) in lake.cloud.locations.items()}
    builds = defaultdict(list)
    for table, location in locations.items():
        builds[location.rpartition("build=")[2]].append(table)
    if len(builds) > 1:
        yield f"tables of several builds: {dict(builds)}"
    folder = locations.get("works", "").partition(CURATED_PREFIX)[2]
    for key in lake.cloud.keys(f"{CURATED_PREFIX}{folder}") if folder else []:
        works = json.loads(lake.cloud.objects[key].body)["works"]
        found |= {work: state[2] for work, state in works.items()}
    if found != expected:
        differ = [key for key in expected if found.get(key) != expected[key]]
        yield f"{len(found)} works in the tables, {len(expected)} in raw pages: {differ[:3]}"


def _order(key: str) -> tuple[str, str]:
    page = RawKey.parse(key)
    return page.run_id, page.processed_key("works").rpartition("/")[2]


__all__ = ["problems", "runs_of", "unsettled"]
