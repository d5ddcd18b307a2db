"""Configuration of a stand-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openlibrary_standin.faults import FaultRule


@dataclass(frozen=True, slots=True)
class StandInConfig:
    """Everything a stand-in depends on.

    Attributes
    ----------
    port
        Port on 127.0.0.1; 0 for a free one.
    works
        Sum of the works of the headline subjects at revision 0.
    seed
        Seed of the long tail and of the faults.
    revision
        Revision of the catalogue; a later one has grown.
    latency_ms
        Time before each answer, in milliseconds.
    subject_works
        Number of works by subject key: replaces a headline's share, or adds a subject.
    bad_record_share
        Share of the generated works, from 0 to 1, which break the contract.
    legacy_fields
        Whether works have ``lendinglibrary``, which the OpenLibrary API dropped in 2024.
    enforce_user_agent
        Whether a User-Agent without a contact gets 403.
    enforce_rate_limit
        Whether 180 requests a minute are the limit, with a burst of 25.
    faults
        Rule by fault; see `faults.FAULTS`.
    captured
        Path of a captured body by subject key, served in place of the generated subject.
    cache_bytes
        Memory for encoded pages, in bytes.
    """

    port: int = 0
    works: int = 6000
    seed: int = 1
    revision: int = 0
    latency_ms: float = 0.0
    subject_works: Mapping[str, int] = field(default_factory=dict)
    bad_record_share: float = 0.0
    legacy_fields: bool = False
    enforce_user_agent: bool = True
    enforce_rate_limit: bool = False
    faults: Mapping[str, FaultRule] = field(default_factory=dict)
    captured: Mapping[str, Path] = field(default_factory=dict)
    cache_bytes: int = 64 * 2**20
