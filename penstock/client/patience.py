"""How long a client tries again, and how often: pure, with the clock and the dice given."""

import random
import time
from collections.abc import Callable

from penstock.client.errors import PenstockError

FIRST_SECONDS = 0.5
LEAST_SECONDS = 0.05
"""How short a wait a stream's `retry:` may ask for."""
MOST_SECONDS = 10.0
"""How long is waited between two tries at most, unless the server asks for more."""


class Patience:
    """Waits twice as long after each failure in a row, up to a bound, and not always equally long, so that the clients
    of a server that was away do not come all at once."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.first_seconds = FIRST_SECONDS
        """How long is waited after a first failure; a stream's `retry:` changes it."""
        self._seconds = seconds
        self._clock = clock
        self._dice = dice
        self._failures = 0
        self._failing_since = 0.0

    def restore(self) -> None:
        """The server lives: what failed before is forgotten."""
        self._failures = 0

    def after(self, fault: PenstockError, least: float | None = None) -> float:
        """Seconds until the next try, no fewer than the server asks for. Raises the fault when patience is over, or
        would be then."""
        if self._failures == 0:
            self._failing_since = self._clock()
        longest = min(self.first_seconds * 2 ** min(self._failures, 16), max(MOST_SECONDS, self.first_seconds))
        self._failures += 1
        delay = max(self._dice(longest, 1.5 * longest), least or 0.0)
        if self._clock() + delay - self._failing_since > self._seconds:
            raise fault
        return delay
