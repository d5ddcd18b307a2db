"""The AWS that a command talks to: a real account and region, or the local AWS.

Everything else takes a `Cloud` and does not know which of the two it has.
"""

import os
from dataclasses import dataclass, field
from typing import Any

from lake.endpoints import is_aws, is_loopback
from lake.errors import AwsError, NotDeployedError

APP = "openlake"
LOCAL_REGION = "us-east-1"
LONGEST_INVOCATION_SECONDS = 910
LOCAL_ACCOUNT = "000000000000"


@dataclass
class Cloud:
    """Clients for one environment of the lake.

    Attributes
    ----------
    app, env
        First and second part of every name and SSM parameter.
    endpoint
        URL of the local AWS, or of an emulator; None for AWS itself, with boto3's usual profile and
        region.
    preferred_region
        Region of AWS where no environment variable names one; else that of the profile.
    certificate
        File with the certificate of a local AWS that is reached over TLS.
    """

    app: str = APP
    env: str = "local"
    endpoint: str | None = None
    certificate: str | None = None
    preferred_region: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is the local AWS."""
        return self.endpoint is not None

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nobody else can use it: what is changed there needs no question."""
        return self.endpoint is not None and is_loopback(self.endpoint)

    @property
    def region(self) -> str:
        """Region of the clients."""
        return str(self.client("s3").meta.region_name)

    @property
    def account(self) -> str:
        """Number of the account."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def command(self, words: str) -> str:
        """Return a call of `./lake` that works on this environment, for hints."""
        return f"./lake {words}" if self.is_local else f"./lake {words} --env {self.env}"

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
            unit = path.partition("/")[0]
            raise NotDeployedError(
                f"The SSM parameter {name} is not set.",
                f"Deploy what publishes it first: {self.command(f'deploy {unit}')}",
            ) from None

    def _new_client(self, service: str) -> Any:
        import boto3  # late: a command that needs no AWS starts without it
        from botocore.config import Config

        if self.endpoint is None:
            configured = self.preferred_region or boto3.Session().region_name
            # An invocation is answered when the function ends, and is not to be repeated.
            config = Config(read_timeout=LONGEST_INVOCATION_SECONDS, retries={"max_attempts": 0})
            client = boto3.client(
                service,
                region_name=_region(configured),
                config=config if service == "lambda" else None,
            )
            _require_aws(service, client.meta.endpoint_url)
            return client
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
                # None would mean the user's, which know nothing of this machine.
                proxies={} if self.is_on_this_machine else None,
            ),
        )


def _require_aws(service: str, url: str) -> None:
    """Refuse to take an emulator for AWS: a variable or the profile may name another endpoint."""
    if not is_aws(url):
        raise AwsError(
            f"--env means AWS, and the endpoint of {service} is {url}.",
            "Unset AWS_ENDPOINT_URL, and endpoint_url of the profile. For an emulator leave --env"
            " out.",
        )


def _region(configured: str | None) -> str:
    """Return the region: AWS_REGION, which boto3 alone ignores, or the one that is configured."""
    found = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or configured
    if not found:
        raise AwsError(
            "No AWS region is set.",
            "Set AWS_REGION, for example AWS_REGION=eu-central-1, or a region in your profile"
            " or in lake.toml.",
        )
    return found
