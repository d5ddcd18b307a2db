"""What the local AWS holds that is not quickly made again."""

from lake.aws import Cloud
from lake.errors import NotDeployedError
from lake.etl.staging import list_objects
from schemas.keys import DUMP_WORKS, PROCESSED_PREFIX, below, run_of_processed_file


def loaded_dumps(cloud: Cloud) -> list[str]:
    """Return the runs as which dumps were loaded."""
    try:
        bucket = cloud.parameter("foundation/data-bucket")
    except NotDeployedError:
        return []
    prefix = f"{PROCESSED_PREFIX}{DUMP_WORKS}/"
    found = list_objects(cloud, bucket, prefix)
    runs = {run_of_processed_file(below(prefix, item.key)) for item in found}
    return sorted(run for run in runs if run)
