"""Reading the events of one job out of what is sent, each once: pure, over any number of connections."""

from httpx_sse import ServerSentEvent

from penstock.client.errors import UnexpectedAnswer
from penstock.client.events import (
    Event,
    HumanInputExpired,
    HumanInputRequired,
    HumanInputResolved,
    RunSuspended,
    read_event,
)
from storage.cursor import START, Cursor


class Reading:
    """How far one client has read the log of one job."""

    def __init__(self, cursor: str | None = None) -> None:
        self.cursor = cursor
        """Behind which to read on; None for the beginning."""
        self.has_ended = False
        """Whether the last event of the job was read."""
        self._place = Cursor.parse(cursor) or START
        self._asked: set[str] = set()
        self._is_paused = False

    @property
    def may_be_suspended(self) -> bool:
        """Whether the job waits for somebody as far as was read: a server may end its answer here."""
        return self._is_paused or bool(self._asked)

    def heard(self, sent: ServerSentEvent) -> Event | None:
        """The event in what was sent; None when there is none, or it was read before. Raises `UnexpectedAnswer`."""
        place = Cursor.parse(sent.id)
        if not sent.data or (place is not None and place <= self._place):
            return None
        try:
            event = read_event(sent.data, sent.id)
        except ValueError:
            raise UnexpectedAnswer(f"The stream holds what is no event: {sent.data[:200]!r}") from None
        self.cursor, self._place = sent.id, place or self._place
        self._note(event)
        return event

    def _note(self, event: Event) -> None:
        self.has_ended = event.is_terminal
        self._is_paused = isinstance(event, RunSuspended)
        if isinstance(event, HumanInputRequired):
            self._asked.add(event.request_id)
        elif isinstance(event, HumanInputResolved | HumanInputExpired):
            self._asked.discard(event.request_id)
