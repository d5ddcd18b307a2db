from __future__ import annotations

from schemas.fingerprints import NO_FILES, combined, fingerprint, run_fingerprints

RUN, OTHER = "20261122T060000Z", "20261123T060000Z"
PAGE = (f"works/ingest_date=2026-11-22/{RUN}-love-000000.parquet", "e1")
FACETS = (f"subject_facets/ingest_date=2026-11-22/{RUN}-love-000000.parquet", "e2")
DUMP = (f"dump_works/ingest_date=2026-11-23/{OTHER}/part-0.parquet", "e3")


def test_a_fingerprint_follows_names_and_etags_and_not_their_order() -> None:
    found = run_fingerprints([PAGE, FACETS, DUMP])

    assert set(found) == {RUN, OTHER}
    assert found == run_fingerprints([DUMP, FACETS, PAGE])
    assert found[RUN] != run_fingerprints([PAGE, (FACETS[0], "e4")])[RUN]
    assert found[RUN] != run_fingerprints([PAGE])[RUN]


def test_other_files_do_not_count() -> None:
    others = [
        (f"works/ingest_date=2026-11-22/{RUN}0-love.parquet", "e"),
        (f"works/ingest_date=2026-11-22/{RUN}-love.parquet.tmp", "e"),
        (f"refused/ingest_date=2026-11-22/{RUN}-love-000000.parquet", "e"),
    ]

    assert run_fingerprints([PAGE, *others]) == run_fingerprints([PAGE])


def test_the_fingerprint_of_all_files_is_made_of_those_of_their_parts() -> None:
    parts = [fingerprint([PAGE]), fingerprint([FACETS, DUMP])]

    assert combined(parts) == fingerprint([DUMP, PAGE, FACETS])
    assert fingerprint([]) == NO_FILES
