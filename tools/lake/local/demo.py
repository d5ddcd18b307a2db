"""The whole lake once, from an empty clone to a report, on the local AWS."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from lake.aws import Cloud
from lake.deploy import deployment, packaging, units
from lake.deploy.parameters import LOCAL, merge
from lake.errors import DemoBusyError, PrerequisiteError, RunFailedError
from lake.etl import refresh
from lake.etl.workspace import workspace_of
from lake.local import sources, spark
from lake.local.emulators import GivenEmulator
from lake.local.environments import EnvironmentInstall, environment, installing
from lake.local.local_aws import LocalAws
from lake.local.sources import STANDIN_WORKS, CrawlSource
from lake.local.state.notes import notes_on_start
from lake.locks import exclusive
from lake.project import Project
from lake.query.execute import run_query
from lake.reports import report
from lake.runs import crawl, summary
from lake.runs.ledger import run_ids
from lake.settings import SUBJECTS, resolve
from lake.steps import Say
from lake.terminal.progress import Progress
from schemas.ledger.run import ProcessedLedger, RunManifest

LIVE_WORKS_PER_SUBJECT = 1000

QUERIES = {
    "Works by subject crawled": """
        SELECT source_subject AS subject, count(*) AS works,
               count_if(access_level IN ('open', 'borrowable')) AS readable_online
        FROM crawled_works WHERE run_id = '{run_id}'
        GROUP BY source_subject ORDER BY works DESC, subject
    """,
    "Works by decade of first publication": """
        SELECT decade, count(DISTINCT work_key) AS works, max(edition_count) AS most_editions
        FROM crawled_works WHERE run_id = '{run_id}' AND decade >= 1930
        GROUP BY decade ORDER BY decade
    """,
    "Records in quarantine by reason": """
        SELECT reason_code, count(*) AS records
        FROM quarantine WHERE run_id = '{run_id}'
        GROUP BY reason_code ORDER BY records DESC, reason_code
    """,
}
CURATED_QUERIES = {
    "Authors with the most works, of all subjects": """
        SELECT r.rank, coalesce(a.name, r.author_key) AS author, r.works, r.editions
        FROM author_rankings r JOIN authors a ON a.author_key = r.author_key
        WHERE r.subject_key = '#all' AND r.rank <= 5
        ORDER BY r.rank
    """,
}


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    port: int
    live: bool = False
    contact: str = ""
    works: int = STANDIN_WORKS
    etl: bool = True


@dataclass
class Summary:
    """The outcome of the demo; the keys are those of `./lake demo --json`."""

    run_id: str
    status: str
    source: str
    subjects: int
    pages: int
    records_raw: int
    rows_processed: int
    records_quarantined: int
    endpoint: str
    bucket: str
    database: str
    stages: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    curated: dict[str, int] = field(default_factory=dict)
    report: str | None = None
    queries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the summary for machines."""
        return json.dumps(asdict(self), indent=2, default=str)


@dataclass(frozen=True)
class Setup:
    """Spark and Plotly, which are set up while services are packaged and pages crawled."""

    project: Project
    java: str
    environments: list[EnvironmentInstall]

    def finish(self) -> None:
        """Wait until both are there.

        Raises
        ------
        PrerequisiteError
            One could not be created.
        """
        with without_etl():
            for install in self.environments:
                install.wait()
            spark.archive_classes(self.project, self.java)


@contextlib.contextmanager
def setup_in_background(project: Project) -> Iterator[Setup]:
    """Begin to set up Spark and Plotly, and give it up at the end if it is not done.

    Raises
    ------
    PrerequisiteError
        Java is missing.
    """
    with without_etl():
        java = spark.require_java()
    with installing(project, "spark") as spark_env, installing(project, "report") as report_env:
        yield Setup(project, java, [spark_env, report_env])


@contextlib.contextmanager
def without_etl() -> Iterator[None]:
    """Add to a missing prerequisite how to do without it."""
    try:
        yield
    except PrerequisiteError as error:
        hint = f"{error.hint} Or skip the curated tables: --no-etl".strip()
        raise PrerequisiteError(error.message, hint) from error


def run_demo(
    project: Project, local: LocalAws | GivenEmulator, options: Options, progress: Progress
) -> Summary:
    """Bring the local AWS up, deploy, crawl, process, build the curated tables, query and report.

    On an error, everything that was started is ended, and what the demo did is dropped; after
    success the local AWS keeps running.

    Raises
    ------
    PrerequisiteError
        Java for Spark is missing; checked before anything starts.
    DemoBusyError
        Another demo is running in this clone.
    PortInUseError
        Something else listens on the port; checked first.
    """
    started = time.monotonic()
    taken = DemoBusyError(
        "Another demo is running in this clone.", "Wait until it has ended, then run it again."
    )
    with exclusive(project.state / "demo.lock", taken), contextlib.ExitStack() as undo:
        # Before minutes of set-up.
        if isinstance(local, LocalAws):
            local.require_port(options.port)
        else:
            local.require()
        setup = undo.enter_context(setup_in_background(project)) if options.etl else None
        undo.callback(packaging.stop_daemon, project)
        endpoint = _started(local, options.port, progress, undo)
        cloud = Cloud(app=resolve(project).values.app, endpoint=endpoint)
        made = _fill(cloud, project, options, progress, setup)
        made.stages = progress.seconds
        made.seconds = round(time.monotonic() - started, 2)
        undo.pop_all()
    return made


def _started(
    local: LocalAws | GivenEmulator, port: int, progress: Progress, undo: contextlib.ExitStack
) -> str:
    """Return the endpoint of the local AWS, which is started unless it runs."""
    if isinstance(local, GivenEmulator):
        progress.note(f"Emulator at {local.endpoint}")
        return local.endpoint
    was_running = local.is_alive()
    notes = [] if was_running else notes_on_start(local)
    with progress.step("Start the local AWS"):
        server = local.start(port)
    for note in notes:
        progress.note(note)
    if not was_running:
        # The lake stays as it was before.
        undo.callback(local.stop, save=False)
    return server.endpoint


def _fill(
    cloud: Cloud,
    project: Project,
    options: Options,
    progress: Progress,
    setup: Setup | None,
) -> Summary:
    with progress.step("Deploy bootstrap and foundation") as say:
        deployment.deploy(cloud, project, units.select(["bootstrap", "foundation"]), LOCAL, say)
    made = _crawl_and_process(cloud, project, options, progress)
    if setup:
        made.curated = _build_tables(cloud, project, setup, progress)
    with progress.step("Query"):
        _query(cloud, made, has_tables=setup is not None)
    if setup:
        with progress.step("Report") as say:
            made.report = write_report(cloud, project, say)
    return made


def _crawl_and_process(
    cloud: Cloud, project: Project, options: Options, progress: Progress
) -> Summary:
    bucket = cloud.parameter("foundation/data-bucket")
    with sources.opened(
        cloud,
        project,
        live=options.live,
        contact=options.contact,
        revision=len(run_ids(cloud, bucket)),
        works=options.works,
    ) as found:
        _deploy_services(cloud, project, options, found, progress)
        dead = crawl.dead_letters(cloud, "process")
        with progress.pages("Crawl") as on_pages:
            manifest = crawl.run_now(cloud, bucket, on_pages)
    with progress.pages("Process") as on_pages:
        ledger = crawl.wait_until_processed(cloud, bucket, manifest, on_pages, dead=dead)
    return summarise(cloud, bucket, found.url, manifest, ledger)


def _deploy_services(
    cloud: Cloud, project: Project, options: Options, found: CrawlSource, progress: Progress
) -> None:
    services = ["ingest", "process", *(["glue_etl"] if options.etl else [])]
    with progress.step(f"Package and deploy {', '.join(services)}") as say:
        parameters = merge(LOCAL, {"ingest": ingest_parameters(options, found)})
        deployment.deploy(cloud, project, units.select(services), parameters, say)


def _build_tables(
    cloud: Cloud, project: Project, setup: Setup, progress: Progress
) -> dict[str, int]:
    """Build the curated tables; return their rows."""
    with progress.step("Set up Spark and Plotly"):
        setup.finish()
    with progress.step("Build the curated tables by Spark") as say:
        workspace = workspace_of(cloud, project)
        return refresh.run_etl(cloud, workspace, refresh.EtlOptions(), say).tables


def _query(cloud: Cloud, made: Summary, *, has_tables: bool) -> None:
    """Ask what is shown of the lake, and compare what a query sees with the ledgers."""
    queries = QUERIES | (CURATED_QUERIES if has_tables else {})
    for title, sql in queries.items():
        made.queries[title] = run_query(cloud, sql.format(run_id=made.run_id)).records()
    check_against_catalogue(cloud, made)
    if has_tables:
        check_curated(cloud, made)


def write_report(cloud: Cloud, project: Project, on_step: Say) -> str:
    """Write the report page; return its path."""
    python = environment(project, "report")
    folder = project.state / "report"
    return report.make_report(cloud, python, project, folder, images=False, on_step=on_step).page


def ingest_parameters(options: Options, found: CrawlSource) -> dict[str, str]:
    """Return the parameters of ingest's stack for a demo."""
    parameters = {**found.parameters, "Subjects": json.dumps(SUBJECTS)}
    if options.live:
        parameters["MaxWorksPerSubject"] = str(LIVE_WORKS_PER_SUBJECT)
    return parameters


def summarise(
    cloud: Cloud, bucket: str, url: str, manifest: RunManifest, ledger: ProcessedLedger
) -> Summary:
    """Return the summary of a run, after its two ledgers are reconciled.

    Raises
    ------
    RunFailedError
        A record is neither a row nor in quarantine.
    """
    run = summary.summarise(cloud, manifest, ledger)
    return Summary(
        run_id=run.run_id,
        status=run.status,
        source=url,
        subjects=len(run.subjects),
        pages=run.pages,
        records_raw=run.records_raw,
        rows_processed=run.rows_processed,
        records_quarantined=run.records_quarantined,
        endpoint=cloud.endpoint or "",
        bucket=bucket,
        database=cloud.parameter("foundation/glue-database"),
    )


def check_against_catalogue(cloud: Cloud, summary: Summary) -> None:
    """Check that a query over the catalogue sees exactly the rows of the ledger.

    Raises
    ------
    RunFailedError
        It sees something else.
    """
    sql = f"SELECT count(*) FROM crawled_works WHERE run_id = '{summary.run_id}'"  # noqa: S608 (our id)
    seen = run_query(cloud, sql).rows[0][0]
    if seen != summary.rows_processed or summary.records_raw != seen + summary.records_quarantined:
        raise RunFailedError(
            f"The ledgers say {summary.records_raw} records, {summary.rows_processed} rows and "
            f"{summary.records_quarantined} in quarantine; the catalogue shows {seen} rows."
        )


def check_curated(cloud: Cloud, summary: Summary) -> None:
    """Check that a query over the catalogue sees the build, and in it every work of the run.

    Raises
    ------
    RunFailedError
        It sees something else.
    """
    count = "SELECT count(*) FROM works"
    lost = f"""
        SELECT count(DISTINCT w.work_key) FROM crawled_works w
        LEFT JOIN works c ON c.work_key = w.work_key
        WHERE w.run_id = '{summary.run_id}' AND c.work_key IS NULL
    """  # noqa: S608 (our id)
    seen, missing = (run_query(cloud, sql).rows[0][0] for sql in (count, lost))
    if seen != summary.curated["works"] or missing:
        raise RunFailedError(
            f"The build has {summary.curated['works']} works; the catalogue shows {seen}, and"
            f" {missing} works of run {summary.run_id} are not among them."
        )
