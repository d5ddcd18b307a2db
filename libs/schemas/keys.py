"""Object keys of the data bucket: pure functions, each with its inverse where one is needed.

Every key is built and parsed here, whoever writes or reads the object, so that no subject, however
hostile, leaves its prefix or its partition. Jobs that are given a prefix as a URI of its own (the
ETL's ``--curated s3://.../curated_data/``) append what :func:`below` leaves of a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, Self

from schemas.subjects import InvalidSubjectError

RAW_PREFIX: Final = "raw_data/subjects/"
#: Dumps that the bulk route reads. No event rule matches it, so no function is started.
DUMPS_PREFIX: Final = "raw_data/dumps/"
PROCESSED_PREFIX: Final = "processed_data/"
QUARANTINE_PREFIX: Final = "quarantine_data/"
CURATED_PREFIX: Final = "curated_data/"
#: The rows of past days in few files, made of those that process wrote one a page.
COMPACTED_PREFIX: Final = "compacted_data/"
#: What is compacted of each day. Query engines ignore names that begin with ``_``.
COMPACTED_DAYS_PREFIX: Final = f"{COMPACTED_PREFIX}_days/"
RUNS_PREFIX: Final = "runs/"
MANIFEST_NAME: Final = "manifest.json"
REPORTS_PREFIX: Final = "reports/"
CHECKPOINT_KEY: Final = "state/ingest.json"
_BASELINES_PREFIX: Final = "state/baselines/"
#: Names the published build. Query engines ignore names that begin with ``_``.
CURRENT_BUILD_KEY: Final = f"{CURATED_PREFIX}_current.json"
BUILD_RECORDS_PREFIX: Final = f"{CURATED_PREFIX}_builds/"
#: Held by whoever builds, publishes, rolls back or cleans.
CURATED_LEASE_KEY: Final = f"{CURATED_PREFIX}_lease.json"
EXCLUDED_RUNS_PREFIX: Final = f"{CURATED_PREFIX}_excluded/"
#: Processed table of the rows that come from dumps, beside those that process writes.
DUMP_WORKS: Final = "dump_works"
#: Folder of the quarantine that holds responses which ingest refused.
REFUSED_RESPONSES: Final = "raw"
#: Partition of quarantined objects whose key names no run.
NO_DAY: Final = "1970-01-01"
#: A build's id is one segment of a key.
BUILD_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}"
RUN_ID_PATTERN: Final = r"[0-9]{8}T[0-9]{6}Z"
#: A processed file's name is the encoded subject plus 32 characters, and local file systems, to
#: which the ETL stages files, take 255 bytes in a name.
MAX_SEGMENT_LENGTH: Final = 200

_RUN_ID_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_SAFE_BYTES: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_.-")
_RAW_KEY: Final = re.compile(
    rf"{RAW_PREFIX}ingest_date=(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
    rf"/run_id=(?P<run>{RUN_ID_PATTERN})/subject=(?P<subject>[a-z0-9_.%A-F-]+)"
    r"/offset=(?P<offset>[0-9]{6,12})\.json\.gz"
)
_MANIFEST_KEY: Final = re.compile(
    rf"{RUNS_PREFIX}run_id=({RUN_ID_PATTERN})/{re.escape(MANIFEST_NAME)}"
)
_PART_PAGES_KEY: Final = re.compile(
    rf"{RUNS_PREFIX}run_id=({RUN_ID_PATTERN})/parts/([0-9]{{4,6}})/pages\.json"
)
_RUN_FOLDER: Final = re.compile(rf"run_id=({RUN_ID_PATTERN})")
_BUILD_FOLDER: Final = re.compile(rf"(?:^|/)build=({BUILD_PATTERN})(?:/|$)")
_BUILD_RECORD: Final = re.compile(rf"({BUILD_PATTERN})\.json")
_EXCLUDED_RUN: Final = re.compile(rf"({RUN_ID_PATTERN})\.json")
_PROCESSED_FILE: Final = re.compile(rf"ingest_date=[0-9-]{{10}}/({RUN_ID_PATTERN})[-/].*\.parquet")
_PAGE_FILE: Final = re.compile(
    rf"(?P<table>[a-z_]+)/ingest_date=(?P<day>[0-9-]{{10}})"
    rf"/(?P<run>{RUN_ID_PATTERN})-(?P<subject>[^/]+)-(?P<offset>[0-9]{{6,12}})\.parquet"
)
_OF_RUN: Final = re.compile(
    rf"ingest_date=(?P<day>[0-9-]{{10}})/(?:run_id=)?(?P<run>{RUN_ID_PATTERN})[-/].*", re.DOTALL
)
_UNRECOGNISED: Final = re.compile(rf"ingest_date={NO_DAY}/[0-9a-f]{{32}}\.jsonl\.gz")
_COMPACTED_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.json")


class InvalidKeyError(ValueError):
    """A text is not a key of the lake, or a key's parts contradict each other."""


class SubjectKeyTooLongError(InvalidSubjectError):
    """A subject's encoded form is longer than a key segment may be."""


# The pages of a subject share its segment, and lists of pages are long.
@lru_cache(maxsize=1024)
def encode_segment(text: str) -> str:
    """Encode any text as one key segment, reversibly.

    Parameters
    ----------
    text
        Anything but the empty string.

    Returns
    -------
    str
        ``[a-z0-9_.-]`` as they are and every other byte of the UTF-8 form as ``%XX``; never ``.``
        or ``..``.

    Raises
    ------
    InvalidSubjectError
        When the text is empty.
    SubjectKeyTooLongError
        When the result is longer than :data:`MAX_SEGMENT_LENGTH`.
    """
    if not text:
        raise InvalidSubjectError("an empty text cannot be a key segment")
    data = text.encode("utf-8", "surrogatepass")
    safe = frozenset[int]() if text in {".", ".."} else _SAFE_BYTES
    encoded = "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in data)
    if len(encoded) > MAX_SEGMENT_LENGTH:
        raise SubjectKeyTooLongError(
            f"subject {text[:40]!r}... takes {len(encoded)} characters in a key;"
            f" at most {MAX_SEGMENT_LENGTH} are possible: choose a shorter subject"
        )
    return encoded


@lru_cache(maxsize=1024)
def decode_segment(segment: str) -> str:
    """Invert :func:`encode_segment`.

    Raises
    ------
    InvalidKeyError
        When the segment is not exactly what :func:`encode_segment` makes of some text.
    """
    try:
        data = re.sub(
            rb"%([0-9A-F]{2})",
            lambda found: bytes.fromhex(found[1].decode()),
            segment.encode("ascii"),
        )
        text = data.decode("utf-8", "surrogatepass")
        if encode_segment(text) == segment:
            return text
    except ValueError as error:
        raise InvalidKeyError(f"{segment!r} is not an encoded key segment: {error}") from error
    raise InvalidKeyError(f"{segment!r} is not the canonical encoding of {text!r}")


def new_run_id(scheduled: datetime) -> str:
    """Make the id of the run scheduled at an aware time: ``20261123T060000Z`` (UTC, whole seconds).

    Raises
    ------
    ValueError
        When the time has no zone: a local time would make the id depend on the machine.
    """
    if scheduled.tzinfo is None:
        raise ValueError(f"a run's scheduled time needs a time zone: {scheduled.isoformat()}")
    return scheduled.astimezone(UTC).strftime(_RUN_ID_FORMAT)


# Each of a run's keys asks for it, and a run has hundreds of thousands.
@lru_cache(maxsize=64)
def parse_run_id(run_id: str) -> datetime:
    """Return the scheduled time (UTC) of a run id.

    Raises
    ------
    InvalidKeyError
        When the text is not a run id or names no real time.
    """
    if not re.fullmatch(RUN_ID_PATTERN, run_id, re.ASCII):
        raise InvalidKeyError(f"{run_id!r} is not a run id such as 20261123T060000Z")
    try:
        return datetime.strptime(run_id, _RUN_ID_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidKeyError(f"run id {run_id!r} names no real time") from error


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


def below(prefix: str, key: str) -> str:
    """Return a key without a prefix, for a place that is given as the prefix's own URI.

    Raises
    ------
    InvalidKeyError
        When the key does not lie below the prefix.
    """
    if not key.startswith(prefix):
        raise InvalidKeyError(f"{key!r} does not lie below {prefix!r}")
    return key[len(prefix) :]


def day_prefix(location: str, day: date | str) -> str:
    """Return the prefix of a day's partition below a table's location (with its trailing slash)."""
    return f"{location}ingest_date={day}/"


def split_day(path: str) -> tuple[str, str]:
    """Split a path below a table's location into the day of its partition and what follows."""
    folder, _, rest = path.partition("/")
    return folder.removeprefix("ingest_date="), rest


def is_folder_marker(key: str) -> bool:
    """Return whether an object holds nothing, and only says that there is a folder.

    Hadoop's connectors and consoles leave such objects, named after the folder with a slash or,
    EMRFS's, with ``_$folder$``.
    """
    return key.endswith(("/", "_$folder$"))


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


def curated_build_prefix(table: str, build: str) -> str:
    """Return the prefix of a curated table's files in a build."""
    return f"{CURATED_PREFIX}{table}/build={build}/"


def iceberg_table_prefix(table: str) -> str:
    """Return the prefix of a curated table's Iceberg metadata; the rows stay in the builds."""
    return f"{CURATED_PREFIX}iceberg/{table}/"


def parse_build(location: str) -> str | None:
    """Return the build that a folder's name, a key or a location names; ``None`` without one."""
    return _group(_BUILD_FOLDER.search(location))


def at_build(location: str, build: str) -> str:
    """Return a location or key of a curated build's files with another build in its place."""
    found = _BUILD_FOLDER.search(location)
    return f"{location[: found.start(1)]}{build}{location[found.end(1) :]}" if found else location


def attempt_id(plan: str, token: int) -> str:
    """Return the id of the build that an attempt at a plan writes.

    Parameters
    ----------
    token
        Of the lease under which it is written: no two attempts share one, so no attempt ever
        writes where another writes or deletes.
    """
    return f"{plan}-{token}"


def attempt_records_prefix(plan: str) -> str:
    """Return the prefix of the records of all attempts at a plan."""
    return f"{BUILD_RECORDS_PREFIX}{plan}-"


def build_record_key(build: str) -> str:
    """Return the key of a build's record."""
    return f"{BUILD_RECORDS_PREFIX}{build}.json"


def parse_build_record_name(name: str) -> str | None:
    """Return the build whose record has this file name; ``None`` for another file."""
    return _group(_BUILD_RECORD.fullmatch(name))


def report_key(name: str) -> str:
    """Return the key of a file of the published reports."""
    return f"{REPORTS_PREFIX}{name}"


def run_prefix(run_id: str) -> str:
    """Return the prefix of a run's ledger.

    Raises
    ------
    InvalidKeyError
        When the text is not a run id.
    """
    parse_run_id(run_id)
    return f"{RUNS_PREFIX}run_id={run_id}/"


def receipts_prefix(run_id: str) -> str:
    """Return the prefix of a run's page receipts."""
    return f"{run_prefix(run_id)}pages/"


def manifest_key(run_id: str) -> str:
    """Return the key of the manifest that ingest writes at the end of a run."""
    return f"{run_prefix(run_id)}{MANIFEST_NAME}"


def parse_manifest_key(key: str) -> str:
    """Return the run id of a manifest's key.

    Raises
    ------
    InvalidKeyError
        When the text is not a manifest's key.
    """
    found = _MANIFEST_KEY.fullmatch(key)
    if not found:
        raise InvalidKeyError(f"{key[:300]!r} is not the key of a run's manifest")
    parse_run_id(found[1])
    return found[1]


def parse_run_folder(name: str) -> str | None:
    """Return the run id of a folder right below the run ledger; ``None`` for another folder."""
    found = _RUN_FOLDER.fullmatch(name)
    if not found:
        return None
    try:
        parse_run_id(found[1])
    except InvalidKeyError:
        return None
    return found[1]


def plan_key(run_id: str) -> str:
    """Return the key of the plan that ingest freezes at the start of a run."""
    return f"{run_prefix(run_id)}plan.json"


def outcomes_prefix(run_id: str) -> str:
    """Return the prefix of the outcomes of a run's subjects."""
    return f"{run_prefix(run_id)}subjects/"


def outcome_key(run_id: str, subject: str) -> str:
    """Return the key of a finished subject's outcome, which the manifest will hold too."""
    return f"{outcomes_prefix(run_id)}{encode_segment(subject)}.json"


def baseline_key(subject: str) -> str:
    """Return the key of the last count of a subject that ingest believed, whatever run it was."""
    return f"{_BASELINES_PREFIX}{encode_segment(subject)}.json"


def parts_prefix(run_id: str) -> str:
    """Return the prefix of the parts in which a run's receipts are added up."""
    return f"{run_prefix(run_id)}parts/"


def parts_key(run_id: str) -> str:
    """Return the key of the object that says which parts a run has."""
    return f"{parts_prefix(run_id)}parts.json"


def part_pages_key(run_id: str, number: int) -> str:
    """Return the key of the pages that the manifest has in a part of the run."""
    return f"{parts_prefix(run_id)}{number:04d}/pages.json"


def part_sum_key(run_id: str, number: int) -> str:
    """Return the key of the sum over the receipts of a part."""
    return f"{parts_prefix(run_id)}{number:04d}/sum.json"


def parse_part_pages_key(key: str) -> tuple[str, int]:
    """Return the run id and the number of the part whose pages a key holds.

    Raises
    ------
    InvalidKeyError
        When the text is not the key of a part's pages.
    """
    found = _PART_PAGES_KEY.fullmatch(key)
    if not found or part_pages_key(found[1], int(found[2])) != key:
        raise InvalidKeyError(f"{key[:300]!r} is not the key of the pages of a part of a run")
    return found[1], int(found[2])


def processed_ledger_key(run_id: str) -> str:
    """Return the key of the ledger that process writes when every page of a run is done."""
    return f"{run_prefix(run_id)}processed.json"


def curated_ledger_key(run_id: str) -> str:
    """Return the key of the ledger that glue_etl writes when a run is in the curated tables."""
    return f"{run_prefix(run_id)}curated.json"


def _processed_day(table: str, run_id: str) -> str:
    return day_prefix(f"{PROCESSED_PREFIX}{table}/", parse_run_id(run_id).date())


def excluded_run_key(run_id: str) -> str:
    """Return the key of the note that keeps a run out of the curated tables."""
    return f"{EXCLUDED_RUNS_PREFIX}{run_id}.json"


def parse_excluded_run_name(name: str) -> str | None:
    """Return the run whose exclusion has this file name; ``None`` for another file."""
    return _group(_EXCLUDED_RUN.fullmatch(name))


def run_of_processed_file(path: str) -> str | None:
    """Return the run of a Parquet file, by its path below a processed table; ``None`` for others.

    Both forms are known: process writes a file a page, the bulk route a folder a run.
    """
    return _group(_PROCESSED_FILE.fullmatch(path))


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


def compacted_prefix(table: str, day: str, generation: str) -> str:
    """Return the prefix of a processed table's compacted files of a day.

    Parameters
    ----------
    generation
        The attempt that wrote them: no two share a folder.
    """
    return f"{day_prefix(f'{COMPACTED_PREFIX}{table}/', day)}{generation}/"


def compacted_day_key(day: str) -> str:
    """Return the key of the record of a day that is compacted."""
    return f"{COMPACTED_DAYS_PREFIX}{day}.json"


def parse_compacted_day_name(name: str) -> str | None:
    """Return the day whose record has this file name; ``None`` for another file."""
    return _group(_COMPACTED_DAY.fullmatch(name))


def compacted_pages_key(day: str, generation: str) -> str:
    """Return the key of the list of the pages that a day's compacted files hold."""
    return f"{day_prefix(f'{COMPACTED_PREFIX}_pages/', day)}{generation}.json.gz"


def _group(found: re.Match[str] | None) -> str | None:
    return found[1] if found else None
