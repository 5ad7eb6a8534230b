"""How many clients may follow events in one process at a time, all together and of one user (I10)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from web.errors import Refusal

RETRY_SECONDS = 5


class Seats:
    """Counts the clients that follow. Belongs to the event loop."""

    def __init__(self, limit: int, limit_per_user: int) -> None:
        self._limit = limit
        self._limit_per_user = limit_per_user
        self._of_user: Counter[str] = Counter()
        self.taken = 0

    @contextmanager
    def seat(self, user_id: str) -> Iterator[None]:
        """One client's place for as long as the block lasts. Refuses with 503 when all are taken, with 429 when one
        user has as many as one may."""
        if self.taken >= self._limit:
            message = f"{self._limit} clients follow events here, as many as may."
            raise _refused(503, "Service busy", "SERVICE_BUSY", message)
        if self._of_user[user_id] >= self._limit_per_user:
            message = f"You follow {self._limit_per_user} streams here, as many as one user may. Close one first."
            raise _refused(429, "Too many streams", "TOO_MANY_STREAMS", message)
        self.taken += 1
        self._of_user[user_id] += 1
        try:
            yield
        finally:
            self._leave(user_id)

    def _leave(self, user_id: str) -> None:
        self.taken -= 1
        self._of_user[user_id] -= 1
        if not self._of_user[user_id]:
            del self._of_user[user_id]


def _refused(status: int, error: str, code: str, message: str) -> Refusal:
    refusal = Refusal(status, error, code, message)
    refusal.headers["Retry-After"] = str(RETRY_SECONDS)
    return refusal
