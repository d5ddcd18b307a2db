"""The environment: what is accepted, what is refused, and with which words."""

from __future__ import annotations

import json

import pytest

from ingest.errors import ConfigurationError, CrawlTooLongError
from ingest.openlibrary.subjects import parse_subjects
from ingest.settings import load_settings
from schemas.ledger.parts import MAX_RUN_PAGES

MINIMAL = {"DATA_BUCKET": "lake", "SUBJECTS": '["love"]', "MAX_WORKS_PER_SUBJECT": "1000"}


def test_defaults_are_polite() -> None:
    settings = load_settings(MINIMAL)
    assert settings.source_url == "https://openlibrary.org"
    assert settings.page_size == 500
    assert settings.requests_per_second == 1


def test_contact_raises_the_rate_and_is_named() -> None:
    settings = load_settings({**MINIMAL, "CONTACT": "lake@example.org"})
    assert settings.requests_per_second == 3
    assert settings.user_agent == "openlake-dev-ingest/0.4.0 (lake@example.org)"


def test_user_agent_names_the_installation() -> None:
    named = {**MINIMAL, "LAKE_APP": "atlas", "LAKE_ENV": "prod", "CONTACT": "a@example.org"}
    settings = load_settings(named)
    assert settings.user_agent == "atlas-prod-ingest/0.4.0 (a@example.org)"
    assert not settings.has_default_name
    assert load_settings(MINIMAL).has_default_name


def test_rate_is_what_is_configured() -> None:
    assert load_settings({**MINIMAL, "REQUESTS_PER_SECOND": "0.5"}).requests_per_second == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAGE_SIZE", "0"),
        ("PAGE_SIZE", "1001"),
        ("PAGE_SIZE", "many"),
        ("MAX_WORKS_PER_SUBJECT", "0"),
        ("REQUESTS_PER_SECOND", "0"),
        ("REQUESTS_PER_SECOND", "nan"),
        ("CONTACT", "nobody"),
        ("CONTACT", "a@b.org)\r\nX-Evil: 1"),
        ("CONTACT", "."),
        ("CONTACT", "TBD."),
        ("CONTACT", "nobody@"),
        ("SOURCE_URL", "openlibrary.org"),
        ("SOURCE_URL", "https://openlibrary.org/?q=1"),
        ("RUN_INTERVAL_MINUTES", "0"),
        ("RUN_INTERVAL_MINUTES", "999999999999999"),
        ("RUN_DEADLINE_MINUTES", "inf"),
        ("RUN_DEADLINE_MINUTES", "1e10"),
        ("MAX_CRAWL_MINUTES", "inf"),
        ("MAX_CRAWL_MINUTES", "nan"),
    ],
)
def test_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        load_settings({**MINIMAL, name: value})


@pytest.mark.parametrize(
    "contact",
    [
        "lake@example.org",
        "mailto:a.b+c@sub.example.org",
        "https://example.org",
        "https://example.org:8443/contact?of=lake#us",
        "example.org/lake",
        "lake@example.xn--p1ai",
    ],
)
def test_contact_is_an_address_or_a_url(contact: str) -> None:
    assert load_settings({**MINIMAL, "CONTACT": contact}).contact == contact


@pytest.mark.parametrize(("rate", "kept"), [("0.5", 0.5), ("1.9", 1), ("3", 3), ("3.7", 3)])
def test_duration_is_estimated_at_the_rate_that_is_kept(rate: str, kept: float) -> None:
    # GIVEN as many pages as the rate that is kept allows in 720 minutes
    most = int(kept * 720 * 60)
    settings = load_settings({**MINIMAL, "REQUESTS_PER_SECOND": rate, "PAGE_SIZE": "1"})
    assert settings.checked_subjects(json.dumps([{"subject": "love", "max_works": most}]))
    with pytest.raises(ConfigurationError, match=f"at {kept:g} requests/s"):
        settings.checked_subjects(json.dumps([{"subject": "love", "max_works": most + 60}]))


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(ConfigurationError, match="DATA_BUCKET.*SUBJECTS"):
        load_settings({})


def test_deadline_before_the_longest_crawl_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="RUN_DEADLINE_MINUTES"):
        load_settings({**MINIMAL, "RUN_DEADLINE_MINUTES": "60"})


def test_subjects_may_be_names_or_objects() -> None:
    specs = parse_subjects(
        json.dumps(
            [
                "Science Fiction",
                {"subject": "person:Jane Austen", "published_in": "1990-1999", "max_works": 5},
                {"subject": "愛", "has_fulltext": True},
            ]
        )
    )
    assert [spec.subject for spec in specs] == ["science_fiction", "person:jane_austen", "愛"]
    assert (specs[1].filters, specs[1].max_works) == ({"published_in": "1990-1999"}, 5)
    assert specs[2].filters == {"has_fulltext": "true"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("love", "is not JSON"),
        ("[]", "at least 1 item"),
        ("{}", "valid list"),
        ('[""]', "nothing is left"),
        ('["#+"]', "nothing is left"),
        ('["' + "愛" * 100 + '"]', "takes 900 characters"),
        ('["C#", "c++"]', "twice"),
        ('[{"subject": "x", "published_in": "199"}]', "published_in"),
        ('[{"subject": "x", "published_in": "1999-1990"}]', "ends before it begins"),
        ('[{"subject": "x", "max_works": 0}]', "max_works"),
        ('[{"subject": "x", "ebooks": true}]', "ebooks"),
        ('[{"name": "x"}]', "subject"),
        ("[3]", "0"),
        ('["\\ud800"]', "lone surrogate"),
        (
            '[{"subject": "x", "has_fulltext": true}, {"subject": "X", "has_fulltext": true}]',
            "twice",
        ),
    ],
)
def test_wrong_subjects_are_explained(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_subjects(text)


def test_filters_make_a_listing_of_its_own() -> None:
    plain, scanned = parse_subjects('["Love", {"subject": "love", "has_fulltext": true}]')
    assert (plain.key, scanned.key) == ("love", "love?has_fulltext=true")


def test_crawl_that_takes_too_long_names_the_dump() -> None:
    many = json.dumps([f"subject {number}" for number in range(10_000)])
    with pytest.raises(CrawlTooLongError, match=r"ol_dump_works_latest.*backfill") as refused:
        load_settings({**MINIMAL, "SUBJECTS": many, "MAX_WORKS_PER_SUBJECT": "10000"})
    assert "200000 requests, 3333 minutes at 1 requests/s" in str(refused.value)


def test_crawl_of_more_pages_than_a_run_may_have_is_refused_at_any_rate() -> None:
    fast = {**MINIMAL, "REQUESTS_PER_SECOND": "1000", "PAGE_SIZE": "1"}
    fits, exceeds = str(MAX_RUN_PAGES), str(MAX_RUN_PAGES + 1)

    load_settings({**fast, "SUBJECTS": '["love"]', "MAX_WORKS_PER_SUBJECT": fits})

    with pytest.raises(CrawlTooLongError, match="200001 pages; a run has at most 200000"):
        load_settings({**fast, "SUBJECTS": '["love"]', "MAX_WORKS_PER_SUBJECT": exceeds})


def test_ten_thousand_small_subjects_are_accepted() -> None:
    many = json.dumps([f"subject {number}" for number in range(10_000)])
    settings = load_settings({**MINIMAL, "SUBJECTS": many, "MAX_WORKS_PER_SUBJECT": "500"})
    assert len(settings.checked_subjects(settings.subjects)) == 10_000


def test_list_elsewhere_is_not_read_with_the_settings() -> None:
    assert load_settings(
        {**MINIMAL, "SUBJECTS": "ssm:/openlake/dev/subjects"}
    ).subjects_is_reference
