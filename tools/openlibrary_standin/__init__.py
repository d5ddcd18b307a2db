"""A stand-in for the OpenLibrary subjects API, for tests and demonstrations without a network."""

from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import FAULTS, FaultRule
from openlibrary_standin.request_log import LoggedRequest
from openlibrary_standin.server import StandIn
from openlibrary_standin.works.catalogue import Catalogue

__all__ = ["FAULTS", "Catalogue", "FaultRule", "LoggedRequest", "StandIn", "StandInConfig"]
