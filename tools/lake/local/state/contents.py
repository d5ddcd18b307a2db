"""What the lake on this machine holds that is not quickly made again."""

from lake.aws import Cloud
from lake.errors import LocalAwsStartError, NotDeployedError
from lake.local.local_aws import LocalAws
from lake.local.state.notes import size_in_words
from lake.objects import list_objects
from lake.runs.ledger import run_ids
from schemas.keys import DUMP_WORKS, PROCESSED_PREFIX, below, run_of_processed_file

#: A demo has one, and a minute makes it again.
_RUNS_OF_A_DEMO = 1


def loss_to_confirm(local: LocalAws, app: str) -> str:
    """Return what somebody must agree to lose; empty if it is no more than a demo's run.

    Parameters
    ----------
    app
        Name of the installation.
    """
    server = local.running()
    if server is not None:
        return _contents(Cloud(app=app, endpoint=server.endpoint))
    # Only one that answers can be asked what it holds.
    if local.is_alive():
        return "a running lake that does not answer, whatever it holds"
    try:
        found = local.saved()
    except LocalAwsStartError:
        return "a saved lake that is damaged"
    return f"the lake saved at {found.moment} ({size_in_words(found)})" if found else ""


def _contents(cloud: Cloud) -> str:
    try:
        bucket = cloud.parameter("foundation/data-bucket")
    except NotDeployedError:
        # Empty, or that of an installation whose name was changed.
        count = len(cloud.client("s3").list_buckets()["Buckets"])
        named = f"{count} bucket{'' if count == 1 else 's'}"
        return f"{named} of something other than {cloud.app}" if count else ""
    runs, dumps = run_ids(cloud, bucket), loaded_dumps(cloud, bucket)
    if not dumps and len(runs) <= _RUNS_OF_A_DEMO:
        return ""
    loaded = f", of which these loaded a dump: {', '.join(dumps)}" if dumps else ""
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'}{loaded}"


def loaded_dumps(cloud: Cloud, bucket: str) -> list[str]:
    """Return the runs as which dumps were loaded."""
    prefix = f"{PROCESSED_PREFIX}{DUMP_WORKS}/"
    found = list_objects(cloud, bucket, prefix)
    runs = {run_of_processed_file(below(prefix, item.key)) for item in found}
    return sorted(run for run in runs if run)
