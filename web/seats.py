"""How many clients may follow events in one process at a time (I10)."""

from collections.abc import Iterator
from contextlib import contextmanager

from web.errors import Refusal

RETRY_SECONDS = 5


class Seats:
    """Counts the clients that follow. Belongs to the event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0

    @contextmanager
    def seat(self) -> Iterator[None]:
        """One client's place for as long as the block lasts. Refuses with 503 when all are taken."""
        if self.taken >= self._limit:
            message = f"{self._limit} clients follow events here, as many as PENSTOCK_MAX_STREAMS allows."
            refusal = Refusal(503, "Service busy", "SERVICE_BUSY", message)
            refusal.headers["Retry-After"] = str(RETRY_SECONDS)
            raise refusal
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
