"""What each role of the lake may do, as data: the table of docs/operations.md, and its probes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SUBJECTS_PARAMETER = "/openlake/local/config/subjects"
# What the document says of what is not granted.
NOTHING = "no"

INGEST, SCHEDULE, PROCESS, DEPLOY = "ingest", "ingest schedule", "process", "deploy (CI)"
ETL, BULK, REPORT = "etl", "etl bulk", "quicksight"
ROLES = {
    INGEST: ("ingest", "FunctionRole"),
    SCHEDULE: ("ingest", "ScheduleRole"),
    PROCESS: ("process", "FunctionRole"),
    ETL: ("glue_etl", "EtlRole"),
    BULK: ("glue_etl", "BulkRole"),
    REPORT: ("quicksight", "QuickSightRole"),
    DEPLOY: ("bootstrap", "DeployRole"),
}
# Nothing here is a page, and no run has this name: process refuses the one manifest and no more.
RUN = "runs/run_id=probe"
OBJECTS: dict[str, tuple[str, dict[str, str]]] = {
    "raw_data/subjects/*": ("raw_data/subjects/probe", {INGEST: "get put", PROCESS: "get"}),
    "raw_data/dumps/*": ("raw_data/dumps/probe.txt.gz", {BULK: "get"}),
    "raw_data/other": ("raw_data/other", {}),
    "runs/*/plan.json": (f"{RUN}/plan.json", {INGEST: "get put"}),
    "runs/*/subjects/*": (f"{RUN}/subjects/probe.json", {INGEST: "get put"}),
    "runs/*/manifest.json": (f"{RUN}/manifest.json", {INGEST: "get put", PROCESS: "get"}),
    "runs/*/pages/*": (f"{RUN}/pages/probe.json", {PROCESS: "get put"}),
    "runs/*/parts/*": (f"{RUN}/parts/probe.json", {PROCESS: "get put"}),
    "runs/*/processed.json": (
        f"{RUN}/processed.json",
        {PROCESS: "get put", ETL: "get", BULK: "get put"},
    ),
    "runs/*/curated.json": (f"{RUN}/curated.json", {ETL: "get put"}),
    "state/ingest.json": ("state/ingest.json", {INGEST: "get put"}),
    "state/baselines/*": ("state/baselines/probe.json", {INGEST: "get put"}),
    "state/other": ("state/other", {}),
    "config/*": ("config/probe.json", {INGEST: "get"}),
    "processed_data/works/*": (
        "processed_data/works/probe.parquet",
        {PROCESS: "put", ETL: "get delete", REPORT: "get"},
    ),
    "processed_data/dump_works/*": (
        "processed_data/dump_works/probe/part.parquet",
        {ETL: "get", BULK: "put delete", REPORT: "get"},
    ),
    "compacted_data/*": (
        "compacted_data/works/probe/part.parquet",
        {ETL: "get put delete", REPORT: "get"},
    ),
    "quarantine_data/raw/*": ("quarantine_data/raw/probe", {INGEST: "put"}),
    "quarantine_data/works/*": (
        "quarantine_data/works/probe",
        {PROCESS: "put", REPORT: "get"},
    ),
    "quarantine_data/works/*-dump/*": (
        "quarantine_data/works/probe-dump/part.txt.gz",
        {PROCESS: "put", BULK: "put delete", REPORT: "get"},
    ),
    "curated_data/*": (
        "curated_data/works/build=probe/part.parquet",
        {ETL: "get put delete", REPORT: "get"},
    ),
    "reports/*": ("reports/probe.html", {}),
    "athena_results/*": ("athena_results/probe.csv", {REPORT: "get put"}),
}
LISTS: dict[str, set[str]] = {
    "": set(),
    "raw_data/": set(),
    "raw_data/subjects/": {INGEST, PROCESS},
    "raw_data/dumps/": {BULK},
    "runs/": {INGEST, PROCESS, ETL, BULK},
    "state/": {INGEST},
    "config/": {INGEST},
    "processed_data/": {ETL, REPORT},
    "processed_data/dump_works/": {ETL, BULK, REPORT},
    "compacted_data/": {ETL, REPORT},
    "quarantine_data/": set(),
    "quarantine_data/works/": {REPORT},
    "curated_data/": {ETL, REPORT},
}


# Returns the client of a service; returns the value of a published parameter.
Client = Callable[[str], Any]
Names = Callable[[str], str]
Call = Callable[[Client, Names], Any]


def _s3(method: str, name: str = "foundation/data-bucket", **arguments: str) -> Call:
    return lambda client, names: getattr(client("s3"), method)(Bucket=names(name), **arguments)


def _glue(method: str, **arguments: Any) -> Call:
    return lambda client, names: getattr(client("glue"), method)(
        DatabaseName=names("foundation/glue-database"), **arguments
    )


def _sqs(method: str, queue: str, **arguments: str) -> Call:
    return lambda client, names: getattr(client("sqs"), method)(QueueUrl=names(queue), **arguments)


def _invoke(service: str, qualifier: str) -> Call:
    return lambda client, names: client("lambda").invoke(
        FunctionName=f"{names(f'{service}/function-name')}:{qualifier}",
        InvocationType="DryRun",
    )


def _parameter(name: str) -> Call:
    return lambda client, _: client("ssm").get_parameter(Name=name)


# Which tables of the lake a role reaches is not tried: the local AWS does not tell them apart.
PARTITION = {"Values": ["2020-01-01"], "StorageDescriptor": {"Columns": []}}
UPDATE = {"PartitionValueList": PARTITION["Values"], "PartitionInput": PARTITION}
CODE = {"Key": "services/probe.zip"}
JOB_CODE = {"Key": "services/glue_etl/probe.zip"}
PROCESSED_TABLE = {"Name": "subject_facets"}
# (action, what it is tried on): (call, roles that may)
CALLS: dict[tuple[str, str], tuple[Call, set[str]]] = {
    ("glue:GetTable", "the lake's tables"): (
        _glue("get_table", Name="works"),
        {PROCESS, ETL, REPORT},
    ),
    ("glue:CreateTable", "the lake's tables"): (
        _glue("create_table", TableInput=PROCESSED_TABLE),
        {PROCESS, ETL},
    ),
    ("glue:UpdateTable", "the lake's tables"): (
        _glue("update_table", TableInput=PROCESSED_TABLE),
        {PROCESS, ETL},
    ),
    ("glue:BatchCreatePartition", "the lake's tables"): (
        _glue("batch_create_partition", TableName="subject_facets", PartitionInputList=[PARTITION]),
        {PROCESS},
    ),
    ("glue:GetPartitions", "the lake's tables"): (
        _glue("get_partitions", TableName="crawled_works"),
        {ETL, REPORT},
    ),
    ("glue:BatchUpdatePartition", "the lake's tables"): (
        _glue("batch_update_partition", TableName="crawled_works", Entries=[UPDATE]),
        {ETL},
    ),
    ("glue:DeleteTable", "the lake's tables"): (_glue("delete_table", Name="works"), set()),
    ("glue:DeletePartition", "the lake's tables"): (
        _glue("delete_partition", TableName="crawled_works", PartitionValues=["2020-01-01"]),
        set(),
    ),
    ("glue:StartJobRun", "the ETL job"): (
        lambda client, names: client("glue").start_job_run(JobName=names("glue_etl/etl-job-name")),
        set(),
    ),
    ("sqs:ReceiveMessage", "failures of glue_etl"): (
        _sqs("receive_message", "glue_etl/dlq-url"),
        set(),
    ),
    ("sqs:SendMessage", "failures of glue_etl"): (
        _sqs("send_message", "glue_etl/dlq-url", MessageBody="probe"),
        set(),
    ),
    ("sqs:ReceiveMessage", "process queue"): (
        _sqs("receive_message", "process/queue-url"),
        {PROCESS},
    ),
    ("sqs:DeleteMessage", "process queue"): (
        _sqs("delete_message", "process/queue-url", ReceiptHandle="none"),
        {PROCESS},
    ),
    ("sqs:SendMessage", "process queue"): (
        _sqs("send_message", "process/queue-url", MessageBody="probe"),
        set(),
    ),
    ("sqs:PurgeQueue", "process queue"): (_sqs("purge_queue", "process/queue-url"), set()),
    ("sqs:ReceiveMessage", "process dead letters"): (
        _sqs("receive_message", "process/dlq-url"),
        set(),
    ),
    ("sqs:SendMessage", "ingest dead letters"): (
        _sqs("send_message", "ingest/dlq-url", MessageBody="probe"),
        {INGEST, SCHEDULE},
    ),
    ("sqs:ReceiveMessage", "ingest dead letters"): (
        _sqs("receive_message", "ingest/dlq-url"),
        set(),
    ),
    ("lambda:InvokeFunction", "ingest:live"): (_invoke("ingest", "live"), {SCHEDULE}),
    ("lambda:InvokeFunction", "process:live"): (_invoke("process", "live"), set()),
    ("ssm:GetParameter", "the list of subjects"): (
        _parameter(SUBJECTS_PARAMETER),
        {INGEST, DEPLOY},
    ),
    ("ssm:GetParameter", "parameters of the stacks"): (
        _parameter("/openlake/local/foundation/data-bucket"),
        {DEPLOY},
    ),
    ("ssm:GetParameter", "other parameters"): (_parameter("/other/parameter"), set()),
    ("s3:GetObject", "artifact bucket"): (
        _s3("get_object", "bootstrap/artifact-bucket", **CODE),
        {DEPLOY},
    ),
    ("s3:GetObject", "packages of glue_etl"): (
        _s3("get_object", "bootstrap/artifact-bucket", **JOB_CODE),
        {DEPLOY, ETL, BULK},
    ),
    ("s3:PutObject", "packages of glue_etl"): (
        _s3("put_object", "bootstrap/artifact-bucket", **JOB_CODE),
        {DEPLOY},
    ),
    ("s3:PutObject", "artifact bucket"): (
        _s3("put_object", "bootstrap/artifact-bucket", **CODE),
        {DEPLOY},
    ),
    ("s3:DeleteObject", "artifact bucket"): (
        _s3("delete_object", "bootstrap/artifact-bucket", **CODE),
        set(),
    ),
    ("s3:PutObject", "log bucket"): (_s3("put_object", "bootstrap/log-bucket", **CODE), set()),
    ("s3:PutBucketPolicy", "data bucket"): (_s3("put_bucket_policy", Policy="{}"), set()),
    ("s3:DeleteBucketPolicy", "data bucket"): (_s3("delete_bucket_policy"), set()),
    ("s3:DeleteBucket", "data bucket"): (_s3("delete_bucket"), set()),
    ("sns:Publish", "alarm topic"): (
        lambda client, names: client("sns").publish(
            TopicArn=names("foundation/alarm-topic-arn"), Message="probe"
        ),
        set(),
    ),
    ("iam:ListRoles", "the account"): (lambda client, _: client("iam").list_roles(), set()),
}


@dataclass(frozen=True)
class Probe:
    """One call of one role, and whether it must pass."""

    role: str
    action: str
    target: str
    call: Call
    allowed: bool


def _probes() -> Iterator[Probe]:
    for role in ROLES:
        for place, (key, granted) in OBJECTS.items():
            for verb in ("get", "put", "delete"):
                action = f"s3:{verb.title()}Object"
                call = _s3(f"{verb}_object", Key=key)
                yield Probe(role, action, place, call, verb in granted.get(role, "").split())
        for prefix, listing in LISTS.items():
            call = _s3("list_objects_v2", Prefix=prefix)
            yield Probe(role, "s3:ListBucket", prefix or "(all)", call, role in listing)
        for (action, target), (call, callers) in CALLS.items():
            yield Probe(role, action, target, call, role in callers)


PROBES = list(_probes())


def table() -> str:
    """Return what each role may do, as the table of the document."""
    rows = [["On", "Action", *ROLES], ["---"] * (2 + len(ROLES))]
    for place, (_, granted) in OBJECTS.items():
        cells = [", ".join(granted.get(role, "").split()) or NOTHING for role in ROLES]
        rows.append([f"`{place}`", "get, put, delete", *cells])
    for prefix, listing in LISTS.items():
        cells = ["yes" if role in listing else NOTHING for role in ROLES]
        rows.append([f"`{prefix}`" if prefix else "the whole data bucket", "list", *cells])
    for (action, target), (_, callers) in CALLS.items():
        cells = ["yes" if role in callers else NOTHING for role in ROLES]
        rows.append([target, f"`{action}`", *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
