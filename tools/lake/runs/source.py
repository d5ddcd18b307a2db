"""The real OpenLibrary, asked once before a crawl relies on it."""

import urllib.error
import urllib.request

from lake.errors import SourceUnreachableError

OPENLIBRARY = "https://openlibrary.org"
TIMEOUT_SECONDS = 10.0


def require_reachable(url: str, contact: str) -> None:
    """Ask the API for nothing, to see that it answers.

    Raises
    ------
    SourceUnreachableError
        It does not answer, or refuses this client.
    """
    request = urllib.request.Request(  # noqa: S310 (always https or the stand-in)
        f"{url}/subjects/love.json?limit=0", headers={"User-Agent": f"openlake/0.1 ({contact})"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        if error.code == 403:
            hint = "It refuses clients without a contact: give one with --contact."
        else:
            hint = "Try again later."
        raise SourceUnreachableError(f"{url} answered {error.code}.", hint) from error
    except OSError as error:
        raise SourceUnreachableError(
            f"{url} cannot be reached: {error}",
            "Check the network, or leave --live away to use the bundled stand-in.",
        ) from error
