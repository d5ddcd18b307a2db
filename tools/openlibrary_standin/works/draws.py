"""Deterministic draws: the only source of chance in the stand-in."""

from collections.abc import Sequence
from hashlib import blake2b


class Draws:
    """A short stream of numbers which depends on nothing but its name.

    ``random.Random`` takes ten times as long to seed, and a page needs a stream for each of its
    1000 works.

    Parameters
    ----------
    name
        Parts which identify the stream, for example the seed, the subject and the index.
    """

    __slots__ = ("_entropy",)

    def __init__(self, *name: object) -> None:
        digest = blake2b("\x1f".join(map(str, name)).encode()).digest()
        self._entropy = int.from_bytes(digest, "big")

    def below(self, limit: int) -> int:
        """Draw an integer from 0 to ``limit - 1``."""
        self._entropy, drawn = divmod(self._entropy, limit)
        return drawn

    def chance(self, per_mille: int) -> bool:
        """Draw true with a probability of `per_mille` in 1000."""
        return self.below(1000) < per_mille

    def pick[T](self, choices: Sequence[T]) -> T:
        """Draw one of the `choices`."""
        return choices[self.below(len(choices))]


def happens(rate: float, *name: object) -> bool:
    """Return whether the event called `name` happens, at a `rate` from 0 to 1."""
    return rate > 0 and Draws(*name).below(1_000_000) < rate * 1_000_000
