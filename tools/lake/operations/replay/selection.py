"""Which raw pages are replayed: by where they lie, or by what is quarantined of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from cleaning.reasons import FIELD_TYPE, INVALID, RECORD_CODES
from lake.aws import Cloud
from lake.errors import ReplayError, UnknownTableError
from lake.objects import object_keys
from lake.query.execute import run_query
from schemas import keys
from schemas.keys import InvalidKeyError, RawKey
from schemas.subjects import InvalidSubjectError, canonical_subject
from schemas.tables import QUARANTINE

# A letter or two: other codes resemble each other, too.
_MISSPELT = 0.9
_REASON = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


@dataclass(frozen=True)
class Selection:
    """The pages that are sent.

    Attributes
    ----------
    keys
        Keys of the raw pages, in order.
    records
        Quarantined records among theirs that were asked for; None where none were.
    remarks
        What was found and cannot be sent.
    """

    keys: Sequence[str]
    records: int | None = None
    remarks: Sequence[str] = field(default_factory=tuple)


def raw_pages(
    cloud: Cloud, bucket: str, *, day: date | None, run_id: str | None, subject: str | None
) -> Selection:
    """Select raw pages by day, run and subject; each that is given narrows the selection.

    Raises
    ------
    ReplayError
        Nothing is given, or what is given names no run or no subject.
    """
    if day is None and run_id is None and subject is None:
        raise ReplayError(
            "Say which pages: --date, --run or --subject.",
            f"'{cloud.command('status')}' lists the runs.",
        )
    wanted = _checked_subject(subject) if subject is not None else None
    found = []
    for key in object_keys(cloud, bucket, _prefix(day, run_id)):
        page = _page(key)
        if page is None or (day and page.ingest_date != day):
            continue
        # A filtered listing belongs to its subject: love?published_in=1990 is of love.
        if wanted is None or page.subject.partition("?")[0] == wanted or page.subject == subject:
            found.append(key)
    return Selection(found)


def quarantined_pages(cloud: Cloud, *, reason: str | None, run_id: str | None) -> Selection:
    """Select the raw pages of which records are quarantined, or which are themselves.

    Raises
    ------
    ReplayError
        Neither is given, or nothing is quarantined for that reason.
    """
    if reason is None and run_id is None:
        query = 'query "SELECT reason_code, count(*) FROM quarantine GROUP BY 1"'
        raise ReplayError(
            "Say which records: --reason or --run.",
            f"'{cloud.command(query)}' lists the reasons.",
        )
    rows = list(_quarantined(cloud, run_id))
    chosen = [row for row in rows if reason in (None, row[1])]
    if reason is not None and not chosen:
        _require_reason(reason, {row[1] for row in rows})
    pages = {key: 0 for key, _, _ in chosen if _page(key) is not None}
    others = 0
    for key, _, records in chosen:
        if key in pages:
            pages[key] += records
        else:
            others += records
    remark = (
        f"{others} quarantined records are not of raw pages (of a dump, or of an object with a"
        f" foreign key) and cannot be sent: '{cloud.command('backfill DUMP')}' loads a dump again."
    )
    return Selection(sorted(pages), sum(pages.values()), (remark,) if others else ())


def _prefix(day: date | None, run_id: str | None) -> str:
    if run_id is not None:
        return keys.raw_run_prefix(checked_run(run_id))
    return keys.RAW_PREFIX if day is None else keys.day_prefix(keys.RAW_PREFIX, day)


def checked_run(run_id: str) -> str:
    """Return the id of a run.

    Raises
    ------
    ReplayError
        The text is not one.
    """
    try:
        keys.parse_run_id(run_id)
    except InvalidKeyError as error:
        # Called before it is known which environment is meant.
        raise ReplayError(f"{error}.", "The command status lists the runs.") from None
    return run_id


def _checked_subject(subject: str) -> str:
    try:
        return canonical_subject(subject)
    except InvalidSubjectError as error:
        raise ReplayError(f"{error}.", "Write it as 'love' or 'place:paris'.") from None


def _page(key: str) -> RawKey | None:
    try:
        return RawKey.parse(key)
    except InvalidKeyError:
        return None


def _quarantined(cloud: Cloud, run_id: str | None) -> Iterator[tuple[str, str, int]]:
    where = f"WHERE run_id = '{checked_run(run_id)}'" if run_id is not None else ""
    sql = f"SELECT raw_key, reason_code, count(*) FROM {QUARANTINE.name} {where} GROUP BY 1, 2"  # noqa: S608 (a checked id)
    try:
        rows = run_query(cloud, sql).rows
    except UnknownTableError:
        return
    for key, code, records in rows:
        yield str(key), str(code), int(records)


def _require_reason(reason: str, known: set[str]) -> None:
    """Refuse a reason that is misspelt; one that is no longer there is no error."""
    if not _REASON.fullmatch(reason):
        raise ReplayError(f"{reason!r} is not a reason code such as record.field_type.")
    meant = get_close_matches(reason, sorted(known), n=1, cutoff=_MISSPELT)
    if meant and reason not in {*RECORD_CODES.values(), FIELD_TYPE, INVALID}:
        raise ReplayError(
            f"Nothing is quarantined by {reason}.",
            f"Did you mean {meant[0]}? There is {', '.join(sorted(known))}.",
        )
