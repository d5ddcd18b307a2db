"""A cache bounded by weight."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock


class BoundedCache[Key: Hashable, Value]:
    """Keep the values used last, as long as their weights stay below a limit; thread-safe.

    Parameters
    ----------
    limit
        Largest sum of weights; a heavier value is not kept at all.
    weigh
        Weight of a value.
    """

    def __init__(self, limit: int, weigh: Callable[[Value], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of `key`, made by `make` when it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        # Made outside the lock: two threads may do the same work, yet none waits for the other.
        value = make()
        with self._lock:
            if key not in self._values:
                self._values[key] = value
                self._weight += self._weigh(value)
                self._evict()
        return value

    @property
    def weight(self) -> int:
        """Sum of the weights of the values kept."""
        return self._weight

    def _evict(self) -> None:
        while self._weight > self._limit:
            _, value = self._values.popitem(last=False)
            self._weight -= self._weigh(value)
