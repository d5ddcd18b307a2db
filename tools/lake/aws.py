"""The AWS that a command talks to: a real account and region, or the local AWS.

Everything else takes a `Cloud` and does not know which of the two it has.
"""

from dataclasses import dataclass, field
from typing import Any

from lake.errors import NotDeployedError

APP = "openlake"
LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"


@dataclass
class Cloud:
    """Clients for one environment of the lake.

    Attributes
    ----------
    app, env
        First and second part of every name and SSM parameter.
    endpoint
        URL of the local AWS; None for AWS itself, with boto3's usual profile and region.
    certificate
        File with the certificate of a local AWS that is reached over TLS.
    """

    app: str = APP
    env: str = "local"
    endpoint: str | None = None
    certificate: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is the local AWS."""
        return self.endpoint is not None

    @property
    def region(self) -> str:
        """Region of the clients."""
        return str(self.client("s3").meta.region_name)

    def client(self, service: str) -> Any:
        """Return the client of a service; made once."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    def parameter(self, path: str) -> str:
        """Read an SSM parameter below /<app>/<env>/.

        Raises
        ------
        NotDeployedError
            It is not set: the stack that publishes it is not deployed.
        """
        name = f"/{self.app}/{self.env}/{path}"
        ssm = self.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            raise NotDeployedError(
                f"The SSM parameter {name} is not set.",
                f"Deploy what publishes it first: ./lake deploy {path.partition('/')[0]}",
            ) from None

    def _new_client(self, service: str) -> Any:
        import boto3  # late: a command that needs no AWS starts without it
        from botocore.config import Config

        if self.endpoint is None:
            return boto3.client(service)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=LOCAL_REGION,
            verify=self.certificate,
            # The root user of an account, to the local AWS; it checks no secret of root's.
            aws_access_key_id=LOCAL_ACCOUNT,
            aws_secret_access_key="local",  # noqa: S106
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=2,
                # A local invocation is answered when the function ends.
                read_timeout=330,
                retries={"max_attempts": 1},
            ),
        )
