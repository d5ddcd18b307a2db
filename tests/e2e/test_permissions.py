"""The lake with IAM enforced: it runs whole, and no role reaches further than the table says.

The local AWS evaluates the deployed policies for each request and gives functions the credentials
of their roles. Beyond the lake's own run, every role tries every action of the table by itself; the
table is the one in docs/operations.md.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lake.aws import LOCAL_ACCOUNT, LOCAL_REGION, Cloud
from lake.deploy import deployment, stacks, units
from lake.deploy.parameters import LOCAL
from lake.errors import StackFailedError
from lake.local.local_aws import LocalAws, free_port
from lake.objects import object_keys
from lake.runs import crawl
from openlibrary_standin import StandIn, StandInConfig
from tests.e2e.conftest import MINISTACK, PROJECT
from tests.e2e.permission_table import (
    CODE,
    DEPLOY,
    JOB_CODE,
    OBJECTS,
    PROBES,
    ROLES,
    SCHEDULE,
    SUBJECTS_PARAMETER,
    Call,
    Client,
    Names,
    Probe,
    table,
)

DOCUMENT = Path("docs/operations.md")
UNITS = ["bootstrap", "foundation", "process", "ingest", "glue_etl"]
SUBJECTS = '["fantasy", "person:napoleon"]'
# The local AWS cannot make an identity provider; the roles that trust it are real.
OIDC = f"arn:aws:iam::{LOCAL_ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Everything deployed on a local AWS that enforces IAM; over TLS, as the policies demand."""
    local = LocalAws(tmp_path_factory.mktemp("aws"), MINISTACK)
    server = local.start(free_port(), enforce_iam=True)
    try:
        made = Cloud(endpoint=server.endpoint, certificate=server.certificate)
        ssm = made.client("ssm")
        ssm.put_parameter(Name=SUBJECTS_PARAMETER, Value=SUBJECTS, Type="String")
        ssm.put_parameter(Name="/other/parameter", Value="none", Type="String")
        with StandIn(StandInConfig(works=1000, bad_record_share=0.1)) as source:
            parameters = {
                "bootstrap": {"GitHubRepository": "owner/name", "GitHubOidcProviderArn": OIDC},
                "ingest": {
                    "SourceUrl": source.url,
                    "Contact": "tests@example.org",
                    "SubjectsParameter": SUBJECTS_PARAMETER,
                    "RequestsPerSecond": "50",
                },
            }
            for unit in units.select(UNITS):
                values = {**LOCAL.get(unit.name, {}), **parameters.get(unit.name, {})}
                deployment.deploy_unit(made, PROJECT, unit, values, lambda _line: None)
            deploy_role_of_quicksight(made)
            yield made
    finally:
        local.stop()


def deploy_role_of_quicksight(cloud: Cloud) -> None:
    """Make of that stack the role only: the local AWS has no QuickSight."""
    template = PROJECT.template("quicksight")
    head, resources = template.split("\nResources:\n")
    (role,) = re.findall(r"(?m)^  QuickSightRole:\n(?:   .*\n)+", resources)
    user = f"arn:aws:quicksight:{LOCAL_REGION}:{LOCAL_ACCOUNT}:user/default/ana"
    change = stacks.prepare(
        cloud,
        deployment.stack_name(cloud, "quicksight"),
        f"{head}\nResources:\n{role}",
        {"App": cloud.app, "Env": cloud.env, "QuickSightPrincipal": user},
        {},
    )
    assert change is not None
    stacks.execute(cloud, change, lambda _line: None)


@pytest.fixture(scope="module")
def role_arns(cloud: Cloud) -> dict[str, str]:
    """ARNs of the deployed roles."""
    iam = cloud.client("iam")
    found = {}
    for role, (unit, resource) in ROLES.items():
        described = cloud.client("cloudformation").describe_stack_resource(
            StackName=deployment.stack_name(cloud, unit), LogicalResourceId=resource
        )
        name = described["StackResourceDetail"]["PhysicalResourceId"]
        found[role] = iam.get_role(RoleName=name)["Role"]["Arn"]
    return found


@pytest.fixture(scope="module")
def clients(cloud: Cloud, role_arns: dict[str, str]) -> dict[str, Client]:
    """Clients with the credentials of each role."""
    return {role: _assume(cloud, arn) for role, arn in role_arns.items()}


def _assume(cloud: Cloud, arn: str) -> Client:
    """Let root in, as no template does, for the moment of assuming the role; policies stay."""
    iam, name = cloud.client("iam"), arn.rsplit("/", 1)[-1]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    root = {"AWS": f"arn:aws:iam::{LOCAL_ACCOUNT}:root"}
    opened = [{"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}]
    iam.update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps({**trust, "Statement": opened})
    )
    assumed = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="probe")["Credentials"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    session = boto3.Session(
        assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"], LOCAL_REGION
    )

    @cache
    def client(service: str) -> Any:
        return session.client(service, endpoint_url=cloud.endpoint, verify=cloud.certificate)

    return client


def _meet_condition_on_role(cloud: Cloud, arn: str) -> None:
    """Allow what the role may do on AWS when it names CloudFormation's role.

    The local AWS does not know which role a change set names, so the condition is never met.
    """
    statement = {
        "Effect": "Allow",
        "Action": "cloudformation:CreateChangeSet",
        "Resource": f"arn:aws:cloudformation:*:*:stack/{cloud.app}-{cloud.env}-*/*",
    }
    cloud.client("iam").put_role_policy(
        RoleName=arn.rsplit("/", 1)[-1],
        PolicyName="condition",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@pytest.fixture(scope="module")
def names(cloud: Cloud) -> Names:
    """Names of the deployed resources; an object lies at each place that is tried."""
    found = cache(cloud.parameter)
    s3 = cloud.client("s3")
    for key, _ in OBJECTS.values():
        s3.put_object(Bucket=found("foundation/data-bucket"), Key=key, Body=b"{}")
    for code in (CODE, JOB_CODE):
        s3.put_object(Bucket=found("bootstrap/artifact-bucket"), Body=b"", **code)
    return found


def is_denied(call: Call, client: Client, names: Names) -> bool:
    """Try a call; any other failure than a denial came after the permission."""
    try:
        call(client, names)
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIALS
    return False


def test_the_whole_lake_runs_with_the_credentials_of_its_roles(cloud: Cloud) -> None:
    """GIVEN enforced IAM and subjects in SSM WHEN a run is due THEN every record comes through."""
    bucket = cloud.parameter("foundation/data-bucket")

    manifest = crawl.run_now(cloud, bucket, lambda *_: None)
    ledger = crawl.wait_until_processed(cloud, bucket, manifest, lambda *_: None)

    assert [subject.subject for subject in manifest.subjects] == json.loads(SUBJECTS)
    assert ledger.rows + ledger.quarantined == manifest.totals.fetched > 0
    assert ledger.quarantined > 0
    assert list(object_keys(cloud, bucket, "processed_data/works/"))
    assert crawl.dead_letters(cloud, "process") == crawl.dead_letters(cloud, "ingest") == 0


# The local AWS looks at the conditions of a role, and not at who asks. Those of the other roles are
# met by whoever names no account: that only services assume them is a rule of the templates.
@pytest.mark.parametrize("role", [SCHEDULE, DEPLOY])
def test_nobody_assumes_a_role_by_hand(cloud: Cloud, role_arns: dict[str, str], role: str) -> None:
    sts = cloud.client("sts")

    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role_arns[role], RoleSessionName="probe")


@pytest.mark.parametrize("probe", PROBES, ids=lambda p: f"{p.role}-{p.action}-{p.target}")
def test_a_role_may_do_what_the_table_says_and_no_more(
    clients: dict[str, Client], names: Names, probe: Probe
) -> None:
    assert is_denied(probe.call, clients[probe.role], names) is not probe.allowed


def test_a_workflow_deploys_services_with_its_role_and_not_its_own_rights(
    cloud: Cloud, clients: dict[str, Client], role_arns: dict[str, str]
) -> None:
    # GIVEN the command, with the credentials of the role that GitHub assumes
    _meet_condition_on_role(cloud, role_arns[DEPLOY])
    services = ("cloudformation", "cloudwatch", "s3", "ssm")
    by_role = {service: clients[DEPLOY](service) for service in services}
    workflow = Cloud(endpoint=cloud.endpoint, certificate=cloud.certificate, _clients=by_role)
    bootstrap, process = units.select(["bootstrap", "process"])

    # WHEN it deploys a service THEN it may, and hands CloudFormation the role for that
    done = deployment.deploy_unit(
        workflow, PROJECT, process, {"BatchSize": "5"}, lambda _line: None
    )
    assert done.changed
    role = cloud.parameter("bootstrap/cloudformation-role-arn")
    assert deployment.deployment_role(workflow, process) == role

    # AND it may not change the stack that holds its rights
    with pytest.raises((ClientError, StackFailedError), match="(?i)not authorized|denied"):
        deployment.deploy_unit(
            workflow, PROJECT, bootstrap, {"AccessLogRetentionDays": "1"}, lambda _line: None
        )


def test_the_document_holds_the_table() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8"), f"expected in {DOCUMENT}:\n{table()}"
