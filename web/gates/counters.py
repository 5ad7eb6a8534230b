"""Counters that end by themselves, in the memory of this process: where rates are counted without Redis."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from limits.storage import Storage

MAX_COUNTERS = 100_000
"""Counters that are kept; beyond them the oldest is forgotten, and whom it counted begins anew."""


@dataclass
class _Counter:
    ends_at: float
    count: int = 0


class Counters(Storage):
    """What the strategies of `limits` count with. Any thread may use it, an addition costs a few microseconds however
    many counters there are, and no thread of its own cleans up.

    All counters last equally long, so that they end in the order in which they began.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._counters: OrderedDict[str, _Counter] = OrderedDict()
        self._lock = Lock()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Adds to a counter, which begins with its first addition. What it is then."""
        with self._lock:
            now = self._clock()
            self._forget_ended(now)
            counter = self._counters.get(key)
            if counter is None:
                counter = self._counters[key] = _Counter(now + expiry)
                if len(self._counters) > MAX_COUNTERS:
                    self._counters.popitem(last=False)
            counter.count += amount
            return counter.count

    def get(self, key: str) -> int:
        with self._lock:
            self._forget_ended(self._clock())
            counter = self._counters.get(key)
            return counter.count if counter else 0

    def get_expiry(self, key: str) -> float:
        """When a counter ends; now for one that there is not."""
        with self._lock:
            counter = self._counters.get(key)
            return counter.ends_at if counter else self._clock()

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self._counters)
            self._counters.clear()
            return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._counters.pop(key, None)

    def __len__(self) -> int:
        return len(self._counters)

    def _forget_ended(self, now: float) -> None:
        while self._counters and next(iter(self._counters.values())).ends_at <= now:
            self._counters.popitem(last=False)
