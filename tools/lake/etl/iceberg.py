"""The option of Iceberg tables: it is on where their database is."""

from lake.aws import Cloud
from lake.errors import EtlError


def iceberg_database(cloud: Cloud, *, turn_on: bool) -> str | None:
    """Return the database of the Iceberg tables; None while the option is off.

    It stays on: snapshots of tables that are no longer switched would name files that are deleted.

    Parameters
    ----------
    turn_on
        Create the database if it is missing. On AWS its stack does that, with the job's rights.

    Raises
    ------
    EtlError
        The option is to be turned on, and is one of the stack.
    """
    name = f"{cloud.parameter('foundation/glue-database')}_iceberg"
    glue = cloud.client("glue")
    try:
        glue.get_database(Name=name)
    except glue.exceptions.EntityNotFoundException:
        if not turn_on:
            return None
        if not cloud.is_local:
            deploy = cloud.command("deploy glue_etl --set glue_etl.IcebergTables=true")
            raise EtlError(
                f"The environment {cloud.env} has no Iceberg tables.",
                f"Deploy them: '{deploy}'.",
            ) from None
        glue.create_database(DatabaseInput={"Name": name})
    return name
