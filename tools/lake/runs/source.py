"""The real OpenLibrary, asked once before a crawl relies on it."""

from lake import web
from lake.errors import SourceUnreachableError

OPENLIBRARY = "https://openlibrary.org"
TIMEOUT_SECONDS = 10.0


def require_reachable(url: str, agent: str) -> None:
    """Ask the API for an empty page, to see that it answers.

    Parameters
    ----------
    agent
        The User-Agent, which decides whether it does.

    Raises
    ------
    SourceUnreachableError
        It does not answer, or refuses this client.
    """
    import requests

    try:
        with web.new_session(agent) as session:
            status = session.get(
                f"{url}/subjects/love.json?limit=0", timeout=TIMEOUT_SECONDS
            ).status_code
    except requests.RequestException as error:
        raise SourceUnreachableError(
            f"{url} cannot be reached: {web.reason_of(error)}",
            "Check the network, or leave out --live to use the bundled stand-in.",
        ) from error
    if status == 403:
        hint = "It refuses clients without a contact: give one with --contact."
        raise SourceUnreachableError(f"{url} answered 403.", hint)
    if status >= 400:
        raise SourceUnreachableError(f"{url} answered {status}.", "Try again later.")
