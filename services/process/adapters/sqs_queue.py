"""The queue of S3 events, by boto3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from process.observability import logger


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """A queue; see :class:`process.ports.MessageQueue`."""

    client: Any
    url: str

    def deliver_again(self, receipt_handle: str, seconds: int) -> None:
        """Change the message's visibility; see the port."""
        try:
            self.client.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning(
                "a failed message keeps the queue's visibility timeout", extra={"error": str(error)}
            )
