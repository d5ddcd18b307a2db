"""HTTP by `requests`: sessions that retry, readable reasons, and health checks on this machine."""

from typing import TYPE_CHECKING

from lake.aws import Cloud
from lake.project import Project
from schemas.source.clients import user_agent

if TYPE_CHECKING:
    import requests

ATTEMPTS_AGAIN = 4
BACKOFF_SECONDS = 0.5
# A server may ask for an hour; somebody waits at the terminal.
LONGEST_RETRY_AFTER_SECONDS = 30
TRANSIENT = (429, 500, 502, 503, 504)
HEALTH_TIMEOUT_SECONDS = 2.0


def agent_of(cloud: Cloud, project: Project, service: str, contact: str | None) -> str:
    """Return the User-Agent under which a service's work is done from this machine.

    OpenLibrary asks every client for a name and a contact, and the service's own is like this.
    """
    name = f"{cloud.app}-{cloud.env}-{service}/{project.version(service)}"
    return user_agent(name, contact)


def new_session(agent: str) -> "requests.Session":
    """Return a session that repeats GET and HEAD after refused connections and transient answers.

    A server's `Retry-After` is respected up to half a minute. The last answer is returned, whatever
    its status.
    """
    import requests  # late: most commands never need it
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        total=ATTEMPTS_AGAIN,
        backoff_factor=BACKOFF_SECONDS,
        status_forcelist=TRANSIENT,
        allowed_methods=("GET", "HEAD"),
        raise_on_status=False,
        retry_after_max=LONGEST_RETRY_AFTER_SECONDS,
    )
    session = requests.Session()
    # Bytes as they are stored: a dump's size and digest are those of the file.
    session.headers.update({"User-Agent": agent, "Accept-Encoding": "identity"})
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def reason_of(error: BaseException) -> str:
    """Return why a request failed: the first cause, without the layers that wrapped it."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__


def responds(url: str) -> bool:
    """Return whether a server answers at all, whatever its status; no proxy is asked."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        try:
            session.get(url, timeout=HEALTH_TIMEOUT_SECONDS, verify=False, allow_redirects=False)
        except (requests.RequestException, OSError):
            return False
    return True


def answers(url: str, certificate: str | None = None) -> bool:
    """Return whether a server of this machine answers with success; no proxy is asked.

    Parameters
    ----------
    certificate
        File with the certificate that a server over TLS shows.
    """
    import requests

    with requests.Session() as session:
        session.trust_env = False
        try:
            found = session.get(url, timeout=HEALTH_TIMEOUT_SECONDS, verify=certificate or True)
        except (requests.RequestException, OSError):
            return False
    return bool(found.ok)
