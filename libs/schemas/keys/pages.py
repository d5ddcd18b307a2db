"""Keys of raw pages and dumps, and of what process and the bulk route make of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final, Self

from schemas.keys.runs import receipts_prefix
from schemas.keys.segments import (
    RUN_ID_PATTERN,
    InvalidKeyError,
    below,
    day_prefix,
    decode_segment,
    encode_segment,
    first_group,
    parse_run_id,
)

RAW_PREFIX: Final = "raw_data/subjects/"
#: Dumps that the bulk route reads. No event rule matches it, so no function is started.
DUMPS_PREFIX: Final = "raw_data/dumps/"
PROCESSED_PREFIX: Final = "processed_data/"
QUARANTINE_PREFIX: Final = "quarantine_data/"
#: Processed table of the rows that come from dumps, beside those that process writes.
DUMP_WORKS: Final = "dump_works"
#: Folder of the quarantine that holds responses which ingest refused.
REFUSED_RESPONSES: Final = "raw"
#: Partition of quarantined objects whose key names no run.
NO_DAY: Final = "1970-01-01"
_RAW_KEY: Final = re.compile(
    rf"{RAW_PREFIX}ingest_date=(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
    rf"/run_id=(?P<run>{RUN_ID_PATTERN})/subject=(?P<subject>[a-z0-9_.%A-F-]+)"
    r"/offset=(?P<offset>[0-9]{6,12})\.json\.gz"
)
_PROCESSED_FILE: Final = re.compile(rf"ingest_date=[0-9-]{{10}}/({RUN_ID_PATTERN})[-/].*\.parquet")
_PAGE_FILE: Final = re.compile(
    rf"(?P<table>[a-z_]+)/ingest_date=(?P<day>[0-9-]{{10}})"
    rf"/(?P<run>{RUN_ID_PATTERN})-(?P<subject>[^/]+)-(?P<offset>[0-9]{{6,12}})\.parquet"
)
_OF_RUN: Final = re.compile(
    rf"ingest_date=(?P<day>[0-9-]{{10}})/(?:run_id=)?(?P<run>{RUN_ID_PATTERN})[-/].*", re.DOTALL
)
_UNRECOGNISED: Final = re.compile(rf"ingest_date={NO_DAY}/[0-9a-f]{{32}}\.jsonl\.gz")


@dataclass(frozen=True, slots=True, order=True)
class RawKey:
    """The parts of a raw page's key; every other key of that page follows from them.

    Attributes
    ----------
    ingest_date
        The UTC day of the run: always the date part of ``run_id``.
    run_id
        The run that fetched the page.
    subject
        The subject's key, decoded.
    offset
        Position of the page's first work in the subject's listing, in works.
    """

    ingest_date: date
    run_id: str
    subject: str
    offset: int

    def __post_init__(self) -> None:
        if parse_run_id(self.run_id).date() != self.ingest_date:
            raise InvalidKeyError(f"ingest_date {self.ingest_date} is not the day of {self.run_id}")
        if not 0 <= self.offset < 10**12:
            raise InvalidKeyError(f"offset {self.offset} is out of range")
        encode_segment(self.subject)

    @classmethod
    def of(cls, run_id: str, subject: str, offset: int) -> Self:
        """Make the key of a page, its ingest date taken from the run id."""
        return cls(parse_run_id(run_id).date(), run_id, subject, offset)

    @classmethod
    def parse(cls, key: str) -> Self:
        """Read a raw key.

        Raises
        ------
        InvalidKeyError
            When the text is not exactly the key that these parts would make.
        """
        found = _RAW_KEY.fullmatch(key)
        if not found:
            raise InvalidKeyError(f"{key[:300]!r} is not the key of a raw page")
        parsed = cls.of(found["run"], decode_segment(found["subject"]), int(found["offset"]))
        if parsed.key != key:
            raise InvalidKeyError(f"{key!r} is not canonical: expected {parsed.key!r}")
        return parsed

    @property
    def key(self) -> str:
        """The raw object's key."""
        subject = encode_segment(self.subject)
        return (
            f"{RAW_PREFIX}ingest_date={self.ingest_date}/run_id={self.run_id}"
            f"/subject={subject}/offset={self.offset:06d}.json.gz"
        )

    @property
    def receipt_name(self) -> str:
        """The name of the page's receipt, below the prefix of its run's receipts."""
        return f"{encode_segment(self.subject)}-{self.offset:06d}.json"

    @property
    def receipt_key(self) -> str:
        """The key of the receipt that process writes for the page."""
        return f"{receipts_prefix(self.run_id)}{self.receipt_name}"

    def processed_key(self, table: str) -> str:
        """Return the key of the page's Parquet file in a processed table."""
        return f"{day_prefix(f'{PROCESSED_PREFIX}{table}/', self.ingest_date)}{self._stem}.parquet"

    def quarantine_key(self, table: str) -> str:
        """Return the key of the page's rejected records."""
        return f"{self._quarantine_stem(table)}.jsonl.gz"

    def refused_response_key(self, digest: str) -> str:
        """Return the key of a response that ingest refused for the page.

        Parameters
        ----------
        digest
            Hexadecimal digest of the body: different responses for one page get different keys, and
            equal ones the same.
        """
        return f"{self._quarantine_stem(REFUSED_RESPONSES)}-{digest[:12]}.jsonl.gz"

    def _quarantine_stem(self, table: str) -> str:
        return f"{day_prefix(f'{QUARANTINE_PREFIX}{table}/', self.ingest_date)}{self._stem}"

    @property
    def _stem(self) -> str:
        return f"{self.run_id}-{encode_segment(self.subject)}-{self.offset:06d}"


def raw_run_prefix(run_id: str) -> str:
    """Return the prefix of a run's raw pages."""
    return f"{day_prefix(RAW_PREFIX, parse_run_id(run_id).date())}run_id={run_id}/"


def dump_key(name: str) -> str:
    """Return the key of an uploaded dump; ``name`` is its file's name."""
    return f"{DUMPS_PREFIX}{name}"


def processed_run_prefix(table: str, run_id: str) -> str:
    """Return the prefix of a run's files in a processed table; process writes a file a page."""
    return f"{_processed_day(table, run_id)}{run_id}-"


def dump_rows_prefix(run_id: str) -> str:
    """Return the prefix of the rows that a run loaded from a dump."""
    return f"{_processed_day(DUMP_WORKS, run_id)}{run_id}/"


def quarantined_run_prefix(location: str, run_id: str) -> str:
    """Return the prefix, below a table's location, of what a run rejected."""
    return f"{day_prefix(location, parse_run_id(run_id).date())}{run_id}-"


def dump_quarantine_prefix(location: str, run_id: str) -> str:
    """Return the prefix, below a table's location, of the rejected lines of a run's dump."""
    return f"{quarantined_run_prefix(location, run_id)}dump/"


def unrecognised_object_key(location: str, raw_key: str) -> str:
    """Return the quarantine key of an object that is not a raw page: a hash, which is safe.

    Parameters
    ----------
    location
        The quarantine table's location, with a trailing slash.
    raw_key
        The object's key, whatever it holds.
    """
    name = sha256(raw_key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{day_prefix(location, NO_DAY)}{name}.jsonl.gz"


def is_unrecognised_object(path: str) -> bool:
    """Return whether a path below the quarantine table's location is such a key's."""
    return _UNRECOGNISED.fullmatch(path) is not None


def run_of_path(path: str) -> str | None:
    """Return the run whose object a path names, below the location of pages or of a table.

    ``None`` where it names no run, or one of another day than that of its folder.
    """
    found = _OF_RUN.fullmatch(path)
    try:
        known = found and str(parse_run_id(found["run"]).date()) == found["day"]
    except InvalidKeyError:
        return None
    return found["run"] if found and known else None


def run_of_processed_file(path: str) -> str | None:
    """Return the run of a Parquet file, by its path below a processed table; ``None`` for others.

    Both forms are known: process writes a file a page, the bulk route a folder a run.
    """
    return first_group(_PROCESSED_FILE.fullmatch(path))


def page_path(table: str, raw_key: str) -> str:
    """Return the path, below the processed prefix, of the file that process writes for a page."""
    return below(PROCESSED_PREFIX, RawKey.parse(raw_key).processed_key(table))


def parse_page_path(path: str) -> RawKey | None:
    """Return the page of such a path; ``None`` for another file."""
    found = _PAGE_FILE.fullmatch(path)
    if not found:
        return None
    try:
        page = RawKey.of(found["run"], decode_segment(found["subject"]), int(found["offset"]))
    except ValueError:
        return None
    return page if page.processed_key(found["table"]) == f"{PROCESSED_PREFIX}{path}" else None


def _processed_day(table: str, run_id: str) -> str:
    return day_prefix(f"{PROCESSED_PREFIX}{table}/", parse_run_id(run_id).date())
