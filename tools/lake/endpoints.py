"""Endpoints: which are AWS's own, and which are on this machine."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

#: Domains of AWS's endpoints, those of other partitions included.
_AWS_DOMAINS: Final = (
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "api.aws.ic.gov",
    "sc2s.sgov.gov",
    "api.aws.scloud",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "csp.hci.ic.gov",
    "api.aws.hci.ic.gov",
)


def is_aws(url: str) -> bool:
    """Return whether a URL is that of AWS, and not of an emulator."""
    host = _host(url)
    return any(host == domain or host.endswith(f".{domain}") for domain in _AWS_DOMAINS)


def is_loopback(url: str) -> bool:
    """Return whether a URL is of this machine; a name that only resolves to it does not count."""
    host = _host(url)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_http(url: str) -> bool:
    """Return whether it is the URL of a server, with nothing but its address."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and parts.path in ("", "/")
            and not (parts.query or parts.fragment or parts.username)
        )
    except ValueError:
        return False


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".").lower()
