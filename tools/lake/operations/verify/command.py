"""The verification: every claim in turn, with a run of its own that is removed at the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lake.aws import Cloud
from lake.etl.job_runs import JobRun
from lake.operations.verify import operations, pages
from lake.operations.verify.claims import Claim, ClaimResult, holds, try_claim
from lake.operations.verify.probe import Probe

OnClaim = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What a verification has shown; somebody could attach it to a report of a defect.

    Attributes
    ----------
    env, region, is_local
        Where.
    verified_at
        When (UTC).
    run_id
        The verification's own run.
    removed
        Objects of that run that were removed.
    claims
        What came of each.
    """

    env: str
    region: str
    is_local: bool
    verified_at: str
    run_id: str
    removed: int
    claims: list[ClaimResult]

    @property
    def ok(self) -> bool:
        """Whether no claim failed."""
        return holds(self.claims)


def verify(cloud: Cloud, newest: Sequence[JobRun], on_claim: OnClaim) -> Report:
    """Show every claim that can be shown; remove what was put for it.

    Parameters
    ----------
    cloud
        A deployed environment.
    newest
        The newest job runs of the ETL, newest first.
    on_claim
        Called with each claim before it is looked at.

    Raises
    ------
    NotDeployedError
        The stacks foundation or process are not there.
    """
    started = datetime.now(UTC)
    cloud.parameter("process/dlq-url")
    probe = Probe.new(cloud)
    shown = []
    try:
        for claim in _claims(cloud, probe, list(newest), started):
            on_claim(claim.id)
            shown.append(try_claim(claim))
    finally:
        removed = probe.clean_up()
    return Report(
        env=cloud.env,
        region=cloud.region,
        is_local=cloud.is_local,
        verified_at=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        run_id=probe.run_id,
        removed=removed,
        claims=shown,
    )


def _claims(cloud: Cloud, probe: Probe, newest: list[JobRun], started: datetime) -> list[Claim]:
    return [
        Claim("page-becomes-rows", lambda: pages.page_becomes_rows(probe)),
        Claim("page-is-written-once", lambda: pages.page_is_written_once(probe)),
        Claim(
            "repeated-event-changes-nothing", lambda: pages.repeated_event_changes_nothing(probe)
        ),
        Claim("poison-is-quarantined", lambda: pages.poison_is_quarantined(probe)),
        Claim("view-answers", lambda: operations.view_answers(cloud)),
        Claim("job-runs-to-its-end", lambda: operations.job_runs_to_its_end(cloud, newest)),
        Claim("runs-are-fresh", lambda: operations.runs_are_fresh(cloud, probe.bucket, started)),
        Claim("metric-arrives", lambda: operations.metric_arrives(cloud, started)),
        Claim("alarms-have-a-state", lambda: operations.alarms_have_a_state(cloud)),
        Claim("roles-are-denied", lambda: operations.roles_are_denied(cloud)),
    ]
