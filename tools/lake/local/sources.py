"""The source of a crawl on this machine: the real OpenLibrary, or the bundled stand-in."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lake import web
from lake.aws import Cloud
from lake.errors import SourceUnreachableError
from lake.local.standin import standin
from lake.project import Project
from lake.runs import source
from openlibrary_standin.works.subjects import HEADLINE_SHARES

STANDIN_WORKS = 7000
STANDIN_CONTACT = "demo@example.org"
# Of a subject that the stand-in does not have of itself.
WORKS_OF_OWN_SUBJECT = 300
MOST_OWN_SUBJECTS = 40
# Some records break the contract, as in every real source; they fill the quarantine.
BAD_RECORD_SHARE = 0.005
LATENCY_MS = 50


@dataclass(frozen=True)
class CrawlSource:
    """What ingest is told of the source.

    Attributes
    ----------
    url
        Its base URL.
    contact
        Whom it may write to.
    """

    url: str
    contact: str

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of ingest's stack."""
        return {"SourceUrl": self.url, "Contact": self.contact}


@contextlib.contextmanager
def opened(
    cloud: Cloud,
    project: Project,
    *,
    live: bool,
    contact: str,
    revision: int,
    works: int = STANDIN_WORKS,
    subjects: Sequence[str] = (),
) -> Iterator[CrawlSource]:
    """Yield the source of a crawl; the stand-in ends with the context.

    Parameters
    ----------
    cloud, project
        Where ingest is deployed, and what it is deployed from: both name the client.
    live
        Whether it is the real OpenLibrary.
    contact
        Whom the real one may write to.
    revision
        How many runs there are: the stand-in has grown a little since each.
    works
        Works of the stand-in.
    subjects
        Keys of the subjects that are crawled; the stand-in gets those that it does not have.

    Raises
    ------
    SourceUnreachableError
        The source does not answer.
    """
    if live:
        agent = web.agent_of(cloud, project, "ingest", contact)
        source.require_reachable(source.OPENLIBRARY, agent)
        yield CrawlSource(source.OPENLIBRARY, contact)
        return
    arguments = ["--works", str(works), "--revision", str(revision)]
    arguments += ["--latency-ms", str(LATENCY_MS), "--bad-record-share", str(BAD_RECORD_SHARE)]
    for subject in _own(subjects):
        arguments += ["--subject", f"{subject}={WORKS_OF_OWN_SUBJECT}"]
    with standin(arguments) as url:
        yield CrawlSource(url, STANDIN_CONTACT)


def _own(subjects: Sequence[str]) -> list[str]:
    own = sorted(set(subjects) - HEADLINE_SHARES.keys())
    if len(own) > MOST_OWN_SUBJECTS:
        raise SourceUnreachableError(
            f"The stand-in takes {MOST_OWN_SUBJECTS} subjects of your own, not {len(own)}.",
            "Crawl fewer at once, or the real OpenLibrary with --live.",
        )
    return own
