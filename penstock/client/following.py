"""Following a job over any number of connections: what to ask for next, and when. It does no I/O."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from httpx_sse import ServerSentEvent

from penstock.client.call import Request, path_of
from penstock.client.errors import Busy, ConnectionLost, PenstockError, UnexpectedAnswer, refusal_of
from penstock.client.events import Event
from penstock.client.patience import LEAST_SECONDS, Patience
from penstock.client.reading import Reading
from penstock.client.sending import lost_connection

SILENCE_SECONDS = 20.0
"""How long a stream may be silent: the server sends a comment every 15 s."""
SHORTEST_SECONDS = 0.05
NO_CONTENT = 204
PROTOCOL = "langflow"
"""What is read here, in whatever protocol the job was submitted."""
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True)
class Watch:
    """What is to be followed: a job, or the request that starts one; from a cursor on; to where the job waits for
    somebody, or `across_pauses` to its end."""

    start: Request | None = None
    job_id: str | None = None
    cursor: str | None = None
    across_pauses: bool = False


class Following:
    """The events of one job, each once and in order.

    Until it `is_over`, whoever drives it waits `delay` seconds, sends `request()` and tells what comes of it: `opened`,
    for each thing sent `heard`, and `ended`, or `lost`. What it cannot go on from is raised as a `PenstockError`.
    """

    def __init__(
        self,
        watch: Watch,
        patience: Patience,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.delay = 0.0
        self.job_id = watch.job_id
        """The job; known from the first answer on."""
        self._watch = watch
        self._patience = patience
        self._clock = clock
        self._until = None if seconds is None else clock() + seconds
        self._reading = Reading(watch.cursor)
        self._has_all = False
        self._opened_at = clock()
        self._has_heard = False
        """Whether anything new came over this connection."""
        self._was_told_when = False
        """Whether the last thing that came is when to come back: what a server says that goes down."""

    @property
    def is_over(self) -> bool:
        """Whether there is no more to read, or no more time for it."""
        return self._has_all or self._reading.has_ended or self._seconds_left(SILENCE_SECONDS) <= 0

    def request(self) -> Request:
        """What to send: what starts the job, until the job is known; then what reads on behind the last event."""
        self.delay, self._opened_at = 0.0, self._clock()
        self._has_heard = self._was_told_when = False
        if self.job_id is None:
            assert self._watch.start is not None, "what is followed is a job or a start"
            return self._watch.start
        cursor = self._reading.cursor
        return Request(
            "GET",
            path_of("/api/v2/workflows/{}/events", self.job_id),
            params={"stream_protocol": PROTOCOL, "on_suspend": "follow" if self._watch.across_pauses else None},
            headers={} if cursor is None else {"Last-Event-ID": cursor},
            read_seconds=max(self._seconds_left(SILENCE_SECONDS), SHORTEST_SECONDS),
        )

    def opened(self, response: httpx.Response) -> bool:
        """Takes the head of an answer, with its body unless it is a stream; true when there are events to hear."""
        if response.status_code == NO_CONTENT:
            self._has_all = True
        elif not response.is_success:
            refused = refusal_of(response)
            if not isinstance(refused, Busy):
                raise refused
            self._try_later(refused, refused.retry_after)
        else:
            self.job_id = self.job_id or response.headers.get("x-job-id")
            if self.job_id is None or not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                raise UnexpectedAnswer(f"{response.url} does not stream events. Is it the URL of a Penstock?")
            return True
        return False

    def heard(self, sent: ServerSentEvent) -> Event | None:
        """The event in what was sent, when there is one that is new."""
        if sent.retry is not None:
            self._patience.first_seconds = max(sent.retry / 1000, LEAST_SECONDS)
        self._was_told_when = sent.retry is not None and not sent.data
        event = self._reading.heard(sent)
        if event is not None:
            self._has_heard = True
        return event

    def ended(self) -> None:
        """The events have ended as answers do. A server that goes down says when to come back. One that does not, or
        whose job waits for somebody, has no more to tell: its next answer will say so, and is asked for at once."""
        is_at_rest = self._reading.may_be_suspended or not self._was_told_when
        if not (self._has_heard and is_at_rest):
            self._try_later(ConnectionLost(f"The events of job {self.job_id} break off again and again. Try later."))

    def lost(self, error: httpx.RequestError) -> None:
        """The answer was cut off, or never came."""
        self._try_later(lost_connection(error))

    def _try_later(self, fault: PenstockError, least: float | None = None) -> None:
        """Raises the fault when patience is over. Who heard something, or held a connection for long, has it anew."""
        if self._has_heard or self._clock() - self._opened_at >= SILENCE_SECONDS:
            self._patience.restore()
        if not self.is_over:
            self.delay = max(self._seconds_left(self._patience.after(fault, least)), 0.0)

    def _seconds_left(self, most: float) -> float:
        return most if self._until is None else min(most, self._until - self._clock())
