"""How a time is shown, and compared as text: in UTC, to the second."""

from datetime import UTC, datetime

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def utc_text(moment: datetime) -> str:
    """Return a time in UTC, such as 2026-11-23 06:00:00.

    boto3 returns some times, such as those of Glue, in the zone of this machine.

    Parameters
    ----------
    moment
        A time with a zone.
    """
    return moment.astimezone(UTC).strftime(TIME_FORMAT)
