"""`AsyncClient`: the calls, carried by an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
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


def _answer(call: Callable[P, Call[T]]) -> Callable[Concatenate["AsyncClient", P], Awaitable[T]]:
    def method(self: "AsyncClient", /, *args: P.args, **options: P.kwargs) -> Awaitable[T]:
        return self.send(call(*args, **options))

    return like(call, method)


def _each(call: Callable[P, Call[Page[T]]]) -> Callable[Concatenate["AsyncClient", P], AsyncGenerator[T]]:
    def method(self: "AsyncClient", /, *args: P.args, **options: P.kwargs) -> AsyncGenerator[T]:
        return self.pages(call(*args, **options))

    return like(call, method)


def _events(watch: Callable[P, Watch]) -> Callable[Concatenate["AsyncClient", P], AsyncGenerator[Event]]:
    def method(self: "AsyncClient", /, *args: P.args, **options: P.kwargs) -> AsyncGenerator[Event]:
        return self.follow(watch(*args, **options))

    return like(watch, method)


class AsyncClient:
    """A server, for programs with an event loop. Close it, or use it in an `async with` block; and close an iterator
    that is left early with `contextlib.aclosing`.

    A server that does not answer, or takes on no more, is tried again for `patience` seconds. Every method raises a
    `PenstockError` whose message tells what to do.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._patience = patience
        self._http = httpx.AsyncClient(base_url=checked_url(url), headers=headers_of(key), transport=transport)

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

    async def wait(self, job_id: str, timeout: float | None = None) -> JobDetail:  # noqa: ASYNC109 - as Client.wait
        """Waits until a job is over, or stands still because somebody has to do something; how it stands then. Raises
        `StillRunning` when it does neither within `timeout` seconds."""
        resting = Resting(timeout)
        while not resting.is_at_rest(job := await self.job(job_id)):
            async for _ in self.follow(*resting.watch(job)):
                pass
        return job

    async def send(self, call: Call[T]) -> T:
        """The answer to a call."""
        sending = Sending(call, Patience(self._patience))
        while not sending.answers:
            await asyncio.sleep(sending.delay)
            try:
                sending.heard(await self._http.send(call.request.made(self._http)))
            except (httpx.TransportError, httpx.DecodingError) as error:
                sending.lost(error)
        return sending.answers[0]

    async def pages(self, call: Call[Page[T]]) -> AsyncGenerator[T]:
        """The things on all pages from this one on."""
        more: Call[Page[T]] | None = call
        while more is not None:
            page = await self.send(more)
            for item in page.items:
                yield item
            more = page.next if page.items else None

    async def follow(self, watch: Watch, seconds: float | None = None) -> AsyncGenerator[Event]:
        """The events of a watch, for so many seconds at most."""
        following = Following(watch, Patience(self._patience), seconds)
        while not following.is_over:
            await asyncio.sleep(following.delay)
            try:
                async with aclosing(self._connected(following)) as events:
                    async for event in events:
                        yield event
            except (httpx.TransportError, httpx.DecodingError) as error:
                following.lost(error)

    async def _connected(self, following: Following) -> AsyncGenerator[Event]:
        """The events that come over one connection."""
        response = await self._http.send(following.request().made(self._http), stream=True)
        try:
            if not response.is_success:
                await response.aread()
            if not following.opened(response):
                return
            async for sent in EventSource(response).aiter_sse():
                event = following.heard(sent)
                if event is not None:
                    yield event
                if following.is_over:
                    return
            following.ended()
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()
