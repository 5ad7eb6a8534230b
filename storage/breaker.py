"""A breaker: after something failed to answer, nobody else waits for it until it may have come back."""

from collections.abc import Callable
from threading import Lock


class Breaker:
    """Open for a while after each failure; then one caller at a time tries again, and a success closes it.

    So something that is away costs its time-out once per `seconds`, not once per call.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = Lock()
        self._retry_at: float | None = None

    def lets_pass(self) -> bool:
        """Whether to try now. Whoever is let through while it is open is the only one until the next try is due."""
        with self._lock:
            if self._retry_at is None:
                return True
            if self._monotonic() < self._retry_at:
                return False
            self._retry_at = self._monotonic() + self._seconds
            return True

    @property
    def is_open(self) -> bool:
        """Whether the last try that is known failed."""
        return self._retry_at is not None

    def failed(self) -> None:
        with self._lock:
            self._retry_at = self._monotonic() + self._seconds

    def succeeded(self) -> None:
        with self._lock:
            self._retry_at = None
