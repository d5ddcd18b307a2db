"""A stand-in for the OpenLibrary subjects API, for tests and demonstrations without a network."""

from openlibrary_standin.catalogue import Catalogue
from openlibrary_standin.config import StandInConfig
from openlibrary_standin.faults import FAULTS, FaultRule
from openlibrary_standin.request_log import LoggedRequest
from openlibrary_standin.server import StandIn

__all__ = ["FAULTS", "Catalogue", "FaultRule", "LoggedRequest", "StandIn", "StandInConfig"]
