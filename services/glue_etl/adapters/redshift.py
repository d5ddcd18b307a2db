"""Redshift Serverless, by its Data API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from glue_etl.errors import WarehouseError

_PERIOD_SECONDS: Final = 5.0
#: The Data API itself ends a statement after 24 hours; a load that takes this long has failed.
_LIMIT_SECONDS: Final = 3600.0
_ENDED: Final = {"FINISHED", "FAILED", "ABORTED"}


@dataclass(frozen=True, slots=True)
class RedshiftData:
    """A database of a workgroup; ``client`` is boto3's for the Redshift Data API."""

    client: Any
    workgroup: str
    database: str
    sleep: Callable[[float], None] = time.sleep

    def run(self, statements: Sequence[str]) -> None:
        """Run statements as one transaction, and wait for its end.

        Source: https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html

        Raises
        ------
        WarehouseError
            With Redshift's own words.
        """
        try:
            started = self.client.batch_execute_statement(
                WorkgroupName=self.workgroup, Database=self.database, Sqls=list(statements)
            )
            outcome = self._outcome(started["Id"])
        except (BotoCoreError, ClientError) as error:
            raise WarehouseError(f"Redshift did not take the load: {error}") from error
        if outcome["Status"] != "FINISHED":
            reason = outcome.get("Error", f"it is {outcome['Status']}")
            raise WarehouseError(
                f"Redshift did not load the tables: {reason}", statement=started["Id"]
            )

    def _outcome(self, statement: str) -> dict[str, Any]:
        waited = 0.0
        while True:
            told: dict[str, Any] = self.client.describe_statement(Id=statement)
            if told["Status"] in _ENDED or waited >= _LIMIT_SECONDS:
                return told
            self.sleep(_PERIOD_SECONDS)
            waited += _PERIOD_SECONDS
