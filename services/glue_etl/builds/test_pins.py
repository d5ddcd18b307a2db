"""A pinned build stays where readers are sent, and is never lost, whenever a job dies."""

from __future__ import annotations

import pytest

from glue_etl.builds.lease import DURATION
from glue_etl.errors import (
    BuildPinnedError,
    EtlError,
)
from glue_etl.testing.memory import CURATED_URI, HOUR, KilledError, World
from schemas.curated_tables import CURATED
from schemas.ledger.curated_build import CurrentBuild


@pytest.fixture
def world() -> World:
    return World()


def test_a_pinned_build_stays_and_is_never_removed(world: World) -> None:
    """GIVEN a rollback to b1 with a pin WHEN jobs go on THEN readers stay until it is lifted."""
    for build in ("b1", "b2"):
        world.job(build)
    publisher = world.publisher
    with publisher.lease.held("pin"):
        current = publisher.pin("b1", "b2 lacks authors")
    assert current.pin is not None
    assert (current.pin.build, current.pin.reason) == ("b1", "b2 lacks authors")

    with pytest.raises(BuildPinnedError, match="b1 .b2 lacks authors."):
        world.job("b3")
    world.clock.time += 9 * HOUR
    with pytest.raises(BuildPinnedError):
        world.job("b4")
    assert world.seen() == dict.fromkeys(CURATED, "b1")
    assert "b1" in world.stored()

    with publisher.lease.held("unpin"):
        publisher.unpin()
    world.job("b4")
    assert world.seen() == dict.fromkeys(CURATED, "b4")


def pin(world: World, build: str, reason: str = "it is right") -> None:
    publisher = world.publisher
    with publisher.lease.held("pin"):
        publisher.pin(build, reason)


def pinned(world: World) -> str | None:
    current = world.publisher.current()
    return current.pin.build if current and current.pin else None


@pytest.mark.parametrize("fault", ["missing", "damaged", "broken", "being removed"])
def test_a_build_that_cannot_be_pinned_leaves_the_former_pin(world: World, fault: str) -> None:
    for build in ("b1", "b2"):
        world.job(build)
    pin(world, "b1")
    if fault == "damaged":
        world.files.delete(f"{CURATED_URI}{CURATED['works'].folder('b2')}")
    elif fault == "broken":
        world.record("b2", ["keys_unique:works"])
    elif fault == "being removed":
        body = world.files.files[f"{CURATED_URI}_current.json"]
        marked = CurrentBuild.model_validate_json(body).model_copy(update={"removing": ["b2"]})
        world.files.files[f"{CURATED_URI}_current.json"] = marked.model_dump_json().encode()

    with pytest.raises(EtlError):
        pin(world, "b0" if fault == "missing" else "b2")

    assert pinned(world) == "b1"
    assert world.seen() == dict.fromkeys(CURATED, "b1")


def world_with_a_pin() -> World:
    world = World(keep=4)
    for build in ("b1", "b2", "b3"):
        world.job(build)
    pin(world, "b1")
    return world


def changes_of_a_pin() -> int:
    world = world_with_a_pin()
    before = world.files.changes
    pin(world, "b2")
    return world.files.changes - before


@pytest.mark.parametrize("step", range(changes_of_a_pin()))
def test_a_pin_that_is_moved_is_never_lost(step: int) -> None:
    """GIVEN readers pinned to b1 WHEN who pins them to b2 is killed at any step THEN they stay
    pinned to either, and the next job takes them where the pin says.
    """
    world = world_with_a_pin()
    world.files.dies_at = world.files.changes + step
    with pytest.raises(KilledError):
        pin(world, "b2")

    assert pinned(world) in ("b1", "b2")
    world.files.dies_at = None
    world.clock.time += DURATION
    world.publisher.tidy()

    current = world.publisher.current()
    assert current is not None
    assert current.is_settled
    assert world.seen() == dict.fromkeys(CURATED, str(pinned(world)))
    with pytest.raises(BuildPinnedError):
        world.job("b4")


def test_a_pin_whose_build_was_damaged_on_the_way_keeps_readers_where_they_were() -> None:
    world = world_with_a_pin()
    world.files.dies_at = world.files.changes + 6
    with pytest.raises(KilledError):
        pin(world, "b2")
    world.files.dies_at = None
    world.clock.time += DURATION
    assert set(world.seen().values()) == {"b1", "b2"}
    world.files.delete(f"{CURATED_URI}{CURATED['author_rankings'].folder('b2')}")

    world.publisher.tidy()

    assert pinned(world) == "b1"
    assert world.seen() == dict.fromkeys(CURATED, "b1")


def test_the_first_build_can_be_pinned(world: World) -> None:
    publisher = world.publisher
    with publisher.lease.held("build"):
        world.build(publisher, "b1")
    pin(world, "b1")

    assert pinned(world) == "b1"
    assert world.seen() == dict.fromkeys(CURATED, "b1")
