"""The templates admit what the services admit, so that a mistake is told before a deployment."""

import json
from pathlib import Path

from schemas.source.clients import CONTACT_PATTERN, LONGEST_CONTACT


def test_the_stack_of_ingest_takes_the_contacts_that_ingest_takes() -> None:
    template = Path("infra/ingest.yaml").read_text(encoding="utf-8")
    _, found = template.split("\n  Contact:\n", 1)
    parameter = found.split("\n  MaxCrawlMinutes:\n", 1)[0].splitlines()

    # A text in double quotes is written in YAML as in JSON.
    assert f"    AllowedPattern: {json.dumps(f'^$|{CONTACT_PATTERN}')}" in parameter
    assert f"    MaxLength: {LONGEST_CONTACT}" in parameter
