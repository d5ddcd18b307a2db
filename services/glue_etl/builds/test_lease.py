"""The lease: one holder at a time, in memory, in a folder and in S3; a late one is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from glue_etl.adapters.local_files import LocalFiles
from glue_etl.builds.lease import DURATION, Lease
from glue_etl.errors import LeaseHeldError, LeaseLostError, StorageError
from glue_etl.testing.memory import Clock
from schemas.ledger.curated_build import LeaseRecord


@dataclass
class Place:
    """A folder with a lease, and a clock."""

    folder: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def uri(self) -> str:
        return f"file://{self.folder}/_lease.json"

    def lease(self) -> Lease:
        return Lease(LocalFiles(), self.uri, self.clock, self.clock.sleep)

    def record(self) -> LeaseRecord:
        return LeaseRecord.model_validate_json((self.folder / "_lease.json").read_bytes())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_lease_is_free_again_after_use_and_its_token_grows(place: Place) -> None:
    tokens = []
    for purpose in ("first", "second"):
        lease = place.lease()
        with lease.held(purpose):
            tokens.append(lease.require())
            assert (place.record().holder, place.record().purpose) == (lease.holder, purpose)

    assert place.record().holder is None
    assert tokens[1] == tokens[0] + 1


def test_what_was_done_does_not_fail_because_the_lease_cannot_be_given_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN storage that does not answer at the end THEN the lease expires, as after a death."""

    def unreachable(*_: object) -> None:
        raise StorageError("no answer")

    with monkeypatch.context() as patch, place.lease().held("publish"):
        patch.setattr(LocalFiles, "write_if", unreachable)

    with place.lease().held("the next"):
        pass


def test_a_dead_holder_is_waited_for_and_succeeded(place: Place) -> None:
    dead = place.lease()
    dead._take("build")
    before = place.clock.time

    with place.lease().held("publish"):
        assert place.clock.time - before == DURATION


def test_a_living_holder_is_named(place: Place) -> None:
    """GIVEN a job that renews its lease WHEN another one waits THEN it is told what goes on."""
    living = place.lease()
    living._take("build the tables")
    waiting = place.lease()

    def renewing(seconds: float) -> None:
        place.clock.sleep(seconds + DURATION.total_seconds() / 2)
        living.require()

    waiting.sleep = renewing
    with pytest.raises(LeaseHeldError, match="build the tables"), waiting.held("publish"):
        pass


def test_a_holder_that_overslept_is_stopped_and_does_not_free_its_successor_s(
    place: Place,
) -> None:
    sleeper, successor = place.lease(), place.lease()
    with sleeper.held("build"):
        place.clock.time += 2 * DURATION
        successor._take("publish")
        with pytest.raises(LeaseLostError):
            sleeper.require()

    assert place.record().holder == successor.holder


def test_a_holder_that_overslept_goes_on_when_nobody_came(place: Place) -> None:
    lease = place.lease()
    with lease.held("build"):
        place.clock.time += timedelta(hours=1)
        lease.require()

        assert place.record().expires_at == place.clock.time + DURATION


def test_nothing_is_done_without_it(place: Place) -> None:
    with pytest.raises(LeaseLostError):
        place.lease().require()


@pytest.mark.parametrize("body", [b"", b"{", b'{"token": "x"}'])
def test_a_record_that_cannot_be_read_is_nobody_s(place: Place, body: bytes) -> None:
    (place.folder / "_lease.json").write_bytes(body)

    with place.lease().held("build"):
        assert place.record().purpose == "build"


def test_the_lease_of_a_dead_holder_whose_clock_was_ahead_is_taken(place: Place) -> None:
    """GIVEN a lease that ends in hours, and that nobody renews THEN it counts as long as any."""
    ahead = LeaseRecord(
        token=7, holder="dead", purpose="build", expires_at=place.clock() + timedelta(hours=14)
    )
    (place.folder / "_lease.json").write_text(ahead.model_dump_json())
    before = place.clock()

    with place.lease().held("go on"):
        assert place.record().token > 7
        assert place.clock() - before <= DURATION + timedelta(minutes=1)
