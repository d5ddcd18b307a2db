"""Claims about the way of a page: from the bucket to rows and quarantine."""

from botocore.exceptions import ClientError

from lake.operations.verify.claims import ClaimFailedError
from lake.operations.verify.probe import GOOD, Probe, page_body
from lake.query.execute import run_query
from lake.runs.crawl import dead_letters
from schemas.tables import QUARANTINE, WORKS

PAGE, POISON = 0, 1000


def page_becomes_rows(probe: Probe) -> str:
    """Put a page; its event must reach process, and its records rows and quarantine."""
    probe.put(PAGE, page_body())
    receipt = probe.receipt(PAGE)
    expect((receipt.rows, receipt.quarantined), (GOOD, 1), "rows and quarantined records")
    seen = [
        run_query(
            probe.cloud,
            f"SELECT count(*) FROM {table} WHERE run_id = '{probe.run_id}'",  # noqa: S608 (ours)
        ).rows[0][0]
        for table in (WORKS.catalogue_name, QUARANTINE.catalogue_name)
    ]
    expect(seen, [GOOD, 1], "rows in the catalogue")
    return f"{receipt.records} records = {receipt.rows} rows + {receipt.quarantined} quarantined"


def page_is_written_once(probe: Probe) -> str:
    """Put the page again as a crawl does; S3 must refuse it."""
    try:
        probe.put(PAGE, page_body())
    except ClientError as error:
        code = error.response["Error"]["Code"]
        expect(code in ("PreconditionFailed", "412"), True, "the refusal")
        return str(code)
    raise ClaimFailedError("a page was overwritten in spite of If-None-Match")


def repeated_event_changes_nothing(probe: Probe) -> str:
    """Deliver the page's event again, its file taken away: the same bytes must come back."""
    key = probe.page(PAGE).processed_key("works")
    before, receipt = probe.wait_for(key), probe.receipt(PAGE)
    probe.remove(key)
    probe.put(PAGE, page_body(), new=False)
    expect(probe.wait_for(key) == before, True, "the same bytes")
    expect(probe.receipt(PAGE), receipt, "the receipt")
    return f"{len(before)} bytes, twice the same"


def poison_is_quarantined(probe: Probe) -> str:
    """Put what is no page; it must end in quarantine, and no message among the dead letters."""
    waiting = dead_letters(probe.cloud, "process")
    probe.put(POISON, b"this is not gzip")
    receipt = probe.receipt(POISON)
    expect((receipt.page_status, receipt.reason_code), ("quarantined", "page.not_gzip"), "receipt")
    expect(probe.read(str(receipt.quarantine_key)) is not None, True, "the quarantined page")
    expect(dead_letters(probe.cloud, "process"), waiting, "dead letters")
    return str(receipt.reason_code)


def expect(found: object, wanted: object, what: str) -> None:
    """Compare what was found.

    Raises
    ------
    ClaimFailedError
        It is something else.
    """
    if found != wanted:
        raise ClaimFailedError(f"{what}: {found!r}, not {wanted!r}")
