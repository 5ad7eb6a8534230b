"""`Client`: the calls, carried by a thread that waits."""

import time
from collections.abc import Callable, Iterator
from typing import Concatenate, ParamSpec, TypeVar

import httpx
from httpx_sse import EventSource

from penstock.client import calls
from penstock.client.call import Call, Page
from penstock.client.connecting import DEFAULT_URL, PATIENCE_SECONDS, checked_url, headers_of, like
from penstock.client.events import Event
from penstock.client.following import Following, Watch
from penstock.client.models import JobDetail
from penstock.client.patience import Patience
from penstock.client.resting import Resting
from penstock.client.sending import Sending

P = ParamSpec("P")
T = TypeVar("T")


def _answer(call: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    def method(self: "Client", /, *args: P.args, **options: P.kwargs) -> T:
        return self.send(call(*args, **options))

    return like(call, method)


def _each(call: Callable[P, Call[Page[T]]]) -> Callable[Concatenate["Client", P], Iterator[T]]:
    def method(self: "Client", /, *args: P.args, **options: P.kwargs) -> Iterator[T]:
        return self.pages(call(*args, **options))

    return like(call, method)


def _events(watch: Callable[P, Watch]) -> Callable[Concatenate["Client", P], Iterator[Event]]:
    def method(self: "Client", /, *args: P.args, **options: P.kwargs) -> Iterator[Event]:
        return self.follow(watch(*args, **options))

    return like(watch, method)


class Client:
    """A server, for programs that wait. Close it, or use it in a `with` block.

    A server that does not answer, or takes on no more, is tried again for `patience` seconds. Every method raises a
    `PenstockError` whose message tells what to do.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._patience = patience
        self._http = httpx.Client(base_url=checked_url(url), headers=headers_of(key), transport=transport)

    run = _answer(calls.run)
    submit = _answer(calls.submit)
    job = _answer(calls.job)
    stop = _answer(calls.stop)
    pause = _answer(calls.pause)
    resume = _answer(calls.resume)
    pending = _answer(calls.pending)
    pending_of_flow = _answer(calls.pending_of_flow)
    flows = _answer(calls.flows)
    flow = _answer(calls.flow)
    push_flow = _answer(calls.push_flow)
    delete_flow = _answer(calls.delete_flow)

    jobs = _each(calls.jobs)
    inbox = _each(calls.inbox)

    stream = _events(calls.stream)
    attach = _events(calls.attach)

    def wait(self, job_id: str, timeout: float | None = None) -> JobDetail:
        """Waits until a job is over, or stands still because somebody has to do something; how it stands then. Raises
        `StillRunning` when it does neither within `timeout` seconds."""
        resting = Resting(timeout)
        while not resting.is_at_rest(job := self.job(job_id)):
            for _ in self.follow(*resting.watch(job)):
                pass
        return job

    def send(self, call: Call[T]) -> T:
        """The answer to a call."""
        sending = Sending(call, Patience(self._patience))
        while not sending.answers:
            time.sleep(sending.delay)
            try:
                sending.heard(self._http.send(call.request.made(self._http)))
            except (httpx.TransportError, httpx.DecodingError) as error:
                sending.lost(error)
        return sending.answers[0]

    def pages(self, call: Call[Page[T]]) -> Iterator[T]:
        """The things on all pages from this one on."""
        more: Call[Page[T]] | None = call
        while more is not None:
            page = self.send(more)
            yield from page.items
            more = page.next if page.items else None

    def follow(self, watch: Watch, seconds: float | None = None) -> Iterator[Event]:
        """The events of a watch, for so many seconds at most."""
        following = Following(watch, Patience(self._patience), seconds)
        while not following.is_over:
            time.sleep(following.delay)
            try:
                yield from self._connected(following)
            except (httpx.TransportError, httpx.DecodingError) as error:
                following.lost(error)

    def _connected(self, following: Following) -> Iterator[Event]:
        """The events that come over one connection."""
        response = self._http.send(following.request().made(self._http), stream=True)
        try:
            if not response.is_success:
                response.read()
            if not following.opened(response):
                return
            for sent in EventSource(response).iter_sse():
                event = following.heard(sent)
                if event is not None:
                    yield event
                if following.is_over:
                    return
            following.ended()
        finally:
            response.close()

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
