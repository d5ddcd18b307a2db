"""The templates keep the rules, and give each part what it needs to run."""

import re
from typing import Any

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs

from infra.rules.access import ACCESS_RULES, may
from infra.rules.compute import COMPUTE_RULES
from infra.rules.model import unexcused, violations
from infra.rules.monitoring import MONITORING_RULES
from infra.rules.objects import (
    COMPACTED,
    CURATED,
    DUMP_QUARANTINE,
    DUMP_ROWS,
    ETL,
    EVERYTHING,
    MANIFEST,
    NAMED_LIKE_LEDGERS,
    PAGE,
    PART_PAGES,
    PROCESS,
    PROCESSED,
    PROCESSED_LEDGER,
    QUARANTINED,
    QUERY_RESULT,
    WRITES,
)
from infra.rules.stacks import Stack
from infra.rules.storage import STORAGE_RULES
from infra.rules.template import HERE, UNITS, Template, load, path_of, text_of

RULES = (*STORAGE_RULES, *COMPUTE_RULES, *ACCESS_RULES, *MONITORING_RULES)
SERVICES = ("ingest", "process")
# Lambda's limit for the description of a function or version.
LONGEST_DESCRIPTION = 256
# Regions that differ in what they offer.
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2"]

COMMON_ENVIRONMENT = {
    "DATA_BUCKET",
    "LAKE_APP",
    "LAKE_ENV",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
}
ENVIRONMENT = {
    "ingest": COMMON_ENVIRONMENT
    | {
        "CONTACT",
        "MAX_CRAWL_MINUTES",
        "MAX_WORKS_PER_SUBJECT",
        "PAGE_SIZE",
        "REQUESTS_PER_SECOND",
        "RUN_DEADLINE_MINUTES",
        "RUN_INTERVAL_MINUTES",
        "SOURCE_URL",
        "SUBJECTS",
    },
    "process": COMMON_ENVIRONMENT | {"GLUE_DATABASE", "QUEUE_URL"},
}


@pytest.fixture(params=UNITS)
def template(request: pytest.FixtureRequest) -> Template:
    return load(request.param)


def _properties(unit: str, name: str) -> dict[str, Any]:
    properties: dict[str, Any] = load(unit).body["Resources"][name]["Properties"]
    return properties


@pytest.mark.parametrize("unit", UNITS)
def test_cfn_lint_finds_nothing(unit: str) -> None:
    assert lint_file(path_of(unit), ManualArgs(regions=REGIONS)) == []


def test_rules_are_kept_or_a_reason_is_given(template: Template) -> None:
    assert unexcused(template, RULES) == []


def test_every_reason_is_still_needed(template: Template) -> None:
    broken = {(item.resource, item.rule) for item in violations(template, RULES)}

    given = {(item.name, rule) for item in template.resources() for rule in item.reasons}

    assert given <= broken


def test_parameters_and_outputs_are_described(template: Template) -> None:
    for section in ("Parameters", "Outputs"):
        for name, body in template.body.get(section, {}).items():
            assert body.get("Description", "").strip().endswith("."), f"{section} {name}"


def test_published_parameters_lie_under_the_unit(template: Template) -> None:
    for parameter in template.resources("AWS::SSM::Parameter"):
        name = text_of(parameter.properties["Name"])
        assert re.fullmatch(rf"/\$\{{App\}}/\$\{{Env\}}/{template.unit}/[a-z-]+", name), name
        assert parameter.properties["Description"].endswith(".")


def test_every_parameter_that_a_stack_resolves_is_published_by_another(template: Template) -> None:
    published = {
        text_of(parameter.properties["Name"])
        for unit in UNITS
        if unit != template.unit
        for parameter in load(unit).resources("AWS::SSM::Parameter")
        if "Condition" not in parameter.body
    }

    text = path_of(template.unit).read_text(encoding="utf-8")
    resolved = {
        f"/${{App}}/${{Env}}/{end}" for end in re.findall(r"\$\{Env\}/([a-z_/-]+)\}\}", text)
    }

    assert resolved <= published


def test_parameters_of_one_name_mean_the_same_in_all_templates() -> None:
    seen: dict[str, tuple[str, Any]] = {}
    own = {"MemorySize", "Timeout", "PermissionsBoundary"}
    for unit in UNITS:
        for name, body in load(unit).body["Parameters"].items():
            if name not in own:
                first, expected = seen.setdefault(name, (unit, body))
                assert body == expected, f"{name} differs between {first} and {unit}"


@pytest.mark.parametrize("unit", SERVICES)
def test_function_gets_the_agreed_environment(unit: str) -> None:
    function = _properties(unit, "Function")

    variables = function["Environment"]["Variables"]

    assert set(variables) == ENVIRONMENT[unit]
    assert variables["POWERTOOLS_SERVICE_NAME"] == unit
    assert text_of(function["FunctionName"]) == f"${{App}}-${{Env}}-{unit}"
    assert function["Handler"] == "lambda_function.handler"


@pytest.mark.parametrize("unit", SERVICES)
def test_longest_description_is_one_that_lambda_takes(unit: str) -> None:
    parameters = load(unit).body["Parameters"]
    for name in ("Function", "Version"):
        text = text_of(_properties(unit, name)["Description"])
        for mark in re.findall(r"\$\{(\w+)\}", text):
            text = text.replace(f"${{{mark}}}", "x" * parameters[mark]["MaxLength"])

        assert len(text) <= LONGEST_DESCRIPTION


def _wakes(unit: str, key: str) -> int:
    """Count the rules of a unit that an object wakes."""
    wildcards = [
        entry["wildcard"]
        for rule in load(unit).resources("AWS::Events::Rule")
        for entry in rule.properties["EventPattern"]["detail"].get("object", {}).get("key", [])
    ]
    patterns = [re.escape(wildcard).replace(r"\*", ".*") for wildcard in wildcards]
    return sum(re.fullmatch(pattern, key) is not None for pattern in patterns)


@pytest.mark.parametrize("key", [*EVERYTHING, *NAMED_LIKE_LEDGERS])
def test_only_pages_and_manifests_wake_process(key: str) -> None:
    """GIVEN any kind of object WHEN it is created THEN no output of process wakes process.

    But for the pages of a run's parts: a manifest makes process write each of them once.
    """
    matches = _wakes("process", key)

    assert matches == (1 if key in (PAGE, MANIFEST, PART_PAGES) else 0)
    assert not (matches and key in WRITES[PROCESS] - {PART_PAGES})


@pytest.mark.parametrize("key", [*EVERYTHING, *NAMED_LIKE_LEDGERS])
def test_only_finished_runs_wake_the_etl(key: str) -> None:
    """GIVEN any kind of object WHEN it is created THEN no output of the ETL wakes the ETL."""
    matches = _wakes("glue_etl", key)

    assert matches == (1 if key == PROCESSED_LEDGER else 0)
    assert not (matches and key in WRITES[ETL])


def test_iceberg_is_an_option_of_the_job_that_builds_tables() -> None:
    def job(**parameters: str) -> Any:
        stack = Stack(load("glue_etl"), parameters)
        database = stack.by_name["IcebergDatabase"]
        assert stack.exists(database) == (parameters != {})
        return stack.resolve(stack.by_name["EtlJob"].properties["DefaultArguments"])

    off, on = job(), job(IcebergTables="true")

    assert "--iceberg-database" not in off
    assert off["--additional-python-modules"].endswith("/wheels.gluewheels.zip")
    assert on["--iceberg-database"] == f"{off['--database']}_iceberg"
    assert on["--additional-python-modules"].endswith("/wheels-iceberg.gluewheels.zip")


@pytest.mark.parametrize(
    ("subjects", "accepted"),
    [
        ('["love", {"subject": "art"}]', True),
        ("s3:config/subjects.json", True),
        ("s3:raw_data/subjects.json", False),
        ("ssm:/any/parameter", False),
        ("love", False),
    ],
)
def test_subjects_lie_only_where_ingest_may_read(subjects: str, accepted: bool) -> None:
    pattern = load("ingest").body["Parameters"]["Subjects"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, subjects)) is accepted


def test_the_parameter_with_the_subjects_is_the_only_one_that_ingest_reads() -> None:
    template = load("ingest")

    assert may(template, "FunctionRole", "ssm:GetParameter", "parameter${SubjectsParameter}")
    assert not may(template, "FunctionRole", "ssm:GetParameter", "parameter/openlake/x")


def test_every_prefix_of_the_bucket_has_a_lifecycle() -> None:
    rules = _properties("foundation", "DataBucket")["LifecycleConfiguration"]["Rules"]
    ruled = {rule["Prefix"] for rule in rules if "NoncurrentVersionExpiration" in rule}

    assert {f"{key.split('/', 1)[0]}/" for key in EVERYTHING} == ruled


def test_removed_builds_are_kept_for_days_and_not_for_weeks() -> None:
    """GIVEN builds, each a whole copy, and temporary objects THEN their versions go soon."""
    foundation = Stack(load("foundation"))
    rules = foundation.resolve(_properties("foundation", "DataBucket"))["LifecycleConfiguration"]
    (curated,) = (rule for rule in rules["Rules"] if rule.get("Prefix") == "curated_data/")

    assert 1 <= int(curated["NoncurrentVersionExpiration"]["NoncurrentDays"]) <= 3


def test_no_lifecycle_rule_removes_current_data() -> None:
    rules = _properties("foundation", "DataBucket")["LifecycleConfiguration"]["Rules"]

    expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}

    assert expiring == {"athena_results/"}


def test_queries_are_bounded_and_their_results_encrypted() -> None:
    settings = _properties("foundation", "AthenaWorkGroup")["WorkGroupConfiguration"]

    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["BytesScannedCutoffPerQuery"] == {"Ref": "AthenaScanLimitBytes"}
    assert "EncryptionConfiguration" in settings["ResultConfiguration"]


def test_deployment_from_github_needs_to_be_asked_for() -> None:
    template = load("bootstrap")

    assert template.body["Parameters"]["GitHubRepository"]["Default"] == ""
    for role in template.resources("AWS::IAM::Role"):
        assert role.body.get("Condition") == "HasGitHub" or role.name == "ReleaseCheckRole"


def test_the_check_of_releases_is_the_code_that_is_tested() -> None:
    code = _properties("bootstrap", "ReleaseCheck")["Code"]["ZipFile"]

    assert code == (HERE / "release_check/function.py").read_text(encoding="utf-8")


def test_the_watch_over_runs_is_the_code_that_is_tested() -> None:
    code = _properties("monitoring", "RunWatch")["Code"]["ZipFile"]

    assert code == (HERE / "run_watch/function.py").read_text(encoding="utf-8")


def test_the_watch_over_runs_may_list_what_it_looks_for_and_nothing_else() -> None:
    template = load("monitoring")

    for prefix in ("runs/run_id=", PROCESSED_LEDGER, "curated_data/_excluded/R.json"):
        assert may(template, "RunWatchRole", "s3:ListBucket", prefix)
    for prefix in ("", "curated_data/", "curated_data/_current.json", "raw_data/"):
        assert not may(template, "RunWatchRole", "s3:ListBucket", prefix)


def test_process_leaves_room_for_ingest_in_a_new_account() -> None:
    """GIVEN the quota of a new account, about 10 THEN process does not take all of it."""
    default = int(load("process").body["Parameters"]["MaximumConcurrency"]["Default"])

    assert default + 2 <= 10


@pytest.mark.parametrize("unit", SERVICES)
def test_the_check_of_a_release_ends_before_those_who_wait_for_it(unit: str) -> None:
    """GIVEN a version that never answers THEN the check can still say so."""
    check = _properties("bootstrap", "ReleaseCheck")

    longest = re.search(r"ANSWER_SECONDS = (\d+)", check["Code"]["ZipFile"])

    assert longest
    waits = _properties(unit, "SmokeTest")["ServiceTimeout"]
    assert int(longest[1]) < check["Timeout"] < waits


@pytest.mark.parametrize("key", EVERYTHING)
def test_quicksight_reads_tables_and_writes_results_only(key: str) -> None:
    template = load("quicksight")
    target = f"{{data-bucket}}/{key}"
    # Refused responses are nobody's table: no view reads them.
    tables = (PROCESSED, COMPACTED, DUMP_ROWS, CURATED, QUARANTINED, DUMP_QUARANTINE, QUERY_RESULT)

    assert may(template, "QuickSightRole", "s3:GetObject", target) == (key in tables)
    assert may(template, "QuickSightRole", "s3:PutObject", target) == (key == QUERY_RESULT)
    assert not may(template, "QuickSightRole", "s3:DeleteObject", target)


# What AWS's own policy for QuickSight and Athena, AWSQuicksightAthenaAccess, lets it do in Athena.
ATHENA_ACTIONS = (
    "GetDataCatalog",
    "GetDatabase",
    "GetQueryExecution",
    "GetQueryResults",
    "GetQueryResultsStream",
    "GetTableMetadata",
    "GetWorkGroup",
    "ListDataCatalogs",
    "ListDatabases",
    "ListTableMetadata",
    "ListWorkGroups",
    "StartQueryExecution",
    "StopQueryExecution",
)


@pytest.mark.parametrize("action", ATHENA_ACTIONS)
def test_quicksight_may_do_in_athena_what_awss_own_policy_lets_it(action: str) -> None:
    places = ("*", "datacatalog/AwsDataCatalog", "workgroup/${App}-${Env}")

    assert any(
        may(load("quicksight"), "QuickSightRole", f"athena:{action}", place) for place in places
    )


def test_everything_in_quicksight_has_an_owner() -> None:
    stack = Stack(load("quicksight"), {"QuickSightPrincipal": "arn:ana"})

    for kind in ("DataSource", "DataSet", "Dashboard"):
        for resource in stack.template.resources(f"AWS::QuickSight::{kind}"):
            (granted,) = stack.resolve(resource.properties["Permissions"])
            assert granted["Principal"] == "arn:ana"
            assert f"quicksight:Update{kind}Permissions" in granted["Actions"]


def test_quicksight_may_take_its_role_whether_or_not_it_says_for_which_account() -> None:
    trust = _properties("quicksight", "QuickSightRole")["AssumeRolePolicyDocument"]

    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "quicksight.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_quicksight_is_made_only_where_somebody_is_named() -> None:
    template = load("quicksight")

    assert template.body["Parameters"]["QuickSightPrincipal"]["Default"] == ""
    for resource in template.resources():
        assert resource.body["Condition"] in ("HasQuickSight", "HasSpice"), resource.name
