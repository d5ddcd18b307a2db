"""An emulator of AWS that the user runs, in place of the embedded one."""

from dataclasses import dataclass

from lake import web
from lake.endpoints import is_aws, is_http, is_loopback
from lake.errors import ConfigError, LocalAwsDownError


def require_emulator(url: str, name: str, *, chosen: bool) -> None:
    """Check that a URL may be taken for an emulator's.

    Parameters
    ----------
    name
        What it was given by, for the message.
    chosen
        Whether it was given to this command, and not to every program that uses AWS.

    Raises
    ------
    ConfigError
        It is no URL of a server, is AWS, or may be a way to AWS.
    """
    if not is_http(url):
        raise ConfigError(
            f"{name}: {url!r} is not the URL of a server.", "For example: http://127.0.0.1:4566"
        )
    if is_aws(url):
        raise ConfigError(
            f"{name}: {url} is AWS, and not an emulator.",
            "Leave it out, and name the environment on AWS by --env.",
        )
    if not chosen and not is_loopback(url):
        raise ConfigError(
            f"{name}={url} is not on this machine: it may be an emulator or a way to AWS.",
            f"For an emulator give it as --endpoint {url}; for AWS unset it and give --env.",
        )


@dataclass(frozen=True)
class GivenEmulator:
    """An emulator that runs already; it is neither started, stopped nor saved here.

    Attributes
    ----------
    endpoint
        Its URL.
    """

    endpoint: str

    def require(self) -> "GivenEmulator":
        """Return it.

        Raises
        ------
        LocalAwsDownError
            Nothing answers there.
        """
        if not web.responds(self.endpoint):
            raise LocalAwsDownError(
                f"Nothing answers at {self.endpoint}.",
                "Start that emulator, or leave --endpoint, AWS_ENDPOINT_URL and the setting"
                " endpoint out for the embedded one.",
            )
        return self
