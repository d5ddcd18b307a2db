"""The sums over a run: of receipts in a part, of parts in the ledger; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final

from schemas.fingerprints import combined, fingerprint
from schemas.keys import receipts_prefix
from schemas.ledger.parts import ListedPage, PageSum, PartPages, PartSum, RunParts
from schemas.ledger.run import PageReceipt, ProcessedLedger, SubjectCounts, SummedPart

#: Mismatches that a part keeps: a ledger stays small, however wrong a run is.
_MISMATCHES: Final = 20


def sum_receipts(
    part: PartPages, there: Mapping[str, str], pages: dict[str, PageSum], known: PartSum | None
) -> PartSum:
    """Add up the receipts of a part.

    Parameters
    ----------
    there
        ETags of the receipts in the part's range by name, those of unlisted pages included.
    pages
        What each page's receipt adds.
    known
        The sum that is replaced.
    """
    subjects = defaultdict(SubjectCounts, dict.fromkeys(part.empty_subjects, SubjectCounts()))
    for name, page in pages.items():
        subject = part.pages[name].subject
        subjects[subject] = subjects[subject].plus(page.counts)
    unlisted = {name: etag for name, etag in there.items() if name not in pages}
    found = [text for page in pages.values() for text in page.mismatches]
    prefix = receipts_prefix(part.run_id)
    found += [f"{prefix}{name}: the manifest has no such page" for name in unlisted]
    etags = {name: page.etag for name, page in pages.items()} | unlisted
    return PartSum(
        run_id=part.run_id,
        number=part.number,
        revision=known.revision + 1 if known else 1,
        state=fingerprint(etags.items()),
        subjects=subjects,
        mismatches=_first(found),
        pages=pages,
    )


def make_ledger(parts: RunParts, summed: Sequence[SummedPart], revision: int) -> ProcessedLedger:
    """Add up a run's parts."""
    subjects: defaultdict[str, SubjectCounts] = defaultdict(SubjectCounts)
    for part in summed:
        for subject, counts in part.subjects.items():
            subjects[subject] = subjects[subject].plus(counts)
    totals = reduce(SubjectCounts.plus, subjects.values(), SubjectCounts())
    return ProcessedLedger(
        run_id=parts.run_id,
        contract_version=parts.contract_version,
        manifest_status=parts.manifest_status,
        **dict(totals),
        subjects=subjects,
        mismatches=[text for part in summed for text in part.mismatches],
        revision=revision,
        state=combined(part.state for part in summed),
        parts=list(summed),
    )


def mismatches(page: ListedPage, receipt: PageReceipt) -> Iterator[str]:
    """Return where a receipt disagrees with the manifest."""
    if page.times > 1:
        yield f"{page.key}: the manifest lists it twice"
    if receipt.page_status == "quarantined":
        yield (
            f"{page.key}: quarantined whole ({receipt.reason_code}),"
            f" the manifest has {page.works} works"
        )
    elif receipt.records != page.works:
        yield f"{page.key}: {receipt.records} records, the manifest has {page.works} works"
    # A page that was too large to be read has the digest of its provenance, or none.
    if receipt.raw_sha256 and receipt.raw_sha256 != page.sha256:
        yield f"{page.key}: the bytes are not those of the manifest"


def _first(found: list[str]) -> list[str]:
    more = len(found) - _MISMATCHES
    kept = found[:_MISMATCHES]
    return [*kept, f"{more} more of these pages: './lake check' names all"] if more > 0 else kept
