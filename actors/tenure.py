"""How long a pass may still rely on its job, by its own clock: never longer than the database would say."""

from collections.abc import Callable


class Tenure:
    """Counts from before the statement that last renewed the lease, so that it ends here before it ends there.

    At half the lease without a renewal nothing new may start; when all of it is over nothing may be written.
    """

    def __init__(self, lease_seconds: float, monotonic: Callable[[], float], since: float) -> None:
        self._lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._since = since

    def renewed(self, asked_at: float) -> None:
        """The lease was renewed by a statement that was begun at a moment of the same clock."""
        self._since = max(self._since, asked_at)

    @property
    def seconds_left(self) -> float:
        return self._since + self._lease_seconds - self._monotonic()

    @property
    def is_over(self) -> bool:
        return self.seconds_left <= 0

    @property
    def is_fresh(self) -> bool:
        """Whether more than half of the lease is left."""
        return self.seconds_left > self._lease_seconds / 2

    def now(self) -> float:
        """The moment, to be handed to `renewed` when what begins now has succeeded."""
        return self._monotonic()
