"""An object of every kind that the lake holds, and which stage may do what with it."""

PAGE = "raw_data/subjects/ingest_date=2026-11-23/run_id=R/subject=S/offset=000000.json.gz"
MANIFEST = "runs/run_id=20261123T060000Z/manifest.json"
PLAN = "runs/run_id=20261123T060000Z/plan.json"
OUTCOME = "runs/run_id=20261123T060000Z/subjects/S.json"
SUBJECTS = "config/subjects.json"
CHECKPOINT = "state/ingest.json"
BASELINE = "state/baselines/S.json"
PROCESSED = "processed_data/works/ingest_date=2026-11-23/R-S-000000.parquet"
COMPACTED = "compacted_data/works/ingest_date=2026-11-23/1795420800/part-00000.parquet"
QUARANTINED = "quarantine_data/works/ingest_date=2026-11-23/R-S-000000.jsonl.gz"
QUARANTINED_RESPONSE = "quarantine_data/raw/ingest_date=2026-11-23/R-S-000000.json.gz"
PART_PAGES = "runs/run_id=20261123T060000Z/parts/0000/pages.json"
PART_SUM = "runs/run_id=20261123T060000Z/parts/0000/sum.json"
RECEIPT = "runs/run_id=20261123T060000Z/pages/S-000000.json"
PROCESSED_LEDGER = "runs/run_id=20261123T060000Z/processed.json"
CURATED_LEDGER = "runs/run_id=20261123T060000Z/curated.json"
CURATED = "curated_data/works/build=B/part-0.parquet"
DUMP = "raw_data/dumps/ol_dump_works_2026-09-30.txt.gz"
DUMP_ROWS = "processed_data/dump_works/ingest_date=2026-09-30/R/part-0.parquet"
DUMP_QUARANTINE = "quarantine_data/works/ingest_date=2026-09-30/R-dump/part-0.txt.gz"
REPORT = "reports/R.html"
QUERY_RESULT = "athena_results/q.csv"

# Subjects are named by whoever configures the lake.
NAMED_LIKE_LEDGERS = [
    f"runs/run_id=20261123T060000Z/{name}"
    for subject in ("manifest", "pages", "processed", "parts", "%5A")
    for name in (f"subjects/{subject}.json", f"pages/{subject}-000000.json")
]

# (unit, role) of each stage, and the objects that it reads, writes and removes.
INGEST, PROCESS = ("ingest", "FunctionRole"), ("process", "FunctionRole")
ETL, BULK = ("glue_etl", "EtlRole"), ("glue_etl", "BulkRole")
READS = {
    INGEST: {PAGE, PLAN, OUTCOME, MANIFEST, CHECKPOINT, BASELINE, SUBJECTS},
    PROCESS: {PAGE, MANIFEST, PART_PAGES, PART_SUM, RECEIPT, PROCESSED_LEDGER},
    ETL: {PROCESSED, COMPACTED, DUMP_ROWS, PROCESSED_LEDGER, CURATED_LEDGER, CURATED},
    BULK: {DUMP, PROCESSED_LEDGER},
}
WRITES = {
    INGEST: {PAGE, PLAN, OUTCOME, MANIFEST, CHECKPOINT, BASELINE, QUARANTINED_RESPONSE},
    # The quarantine of dumps is of the same table, and so below a prefix that it writes.
    PROCESS: {
        PROCESSED,
        QUARANTINED,
        DUMP_QUARANTINE,
        PART_PAGES,
        PART_SUM,
        RECEIPT,
        PROCESSED_LEDGER,
    },
    ETL: {COMPACTED, CURATED_LEDGER, CURATED},
    BULK: {DUMP_ROWS, DUMP_QUARANTINE, PROCESSED_LEDGER},
}
REMOVES: dict[tuple[str, str], set[str]] = {
    INGEST: set(),
    PROCESS: set(),
    ETL: {PROCESSED, COMPACTED, CURATED},
    BULK: {DUMP_ROWS, DUMP_QUARANTINE},
}
ACCESSED = set[str]().union(*READS.values(), *WRITES.values(), *REMOVES.values())
EVERYTHING = sorted({*ACCESSED, REPORT, QUERY_RESULT})
