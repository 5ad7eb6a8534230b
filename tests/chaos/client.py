"""A client of the workflow API that keeps every request, answer and event, and comes back after whatever breaks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self, TypeAlias

import httpx
import orjson

from flows.events import TERMINAL, EventType
from storage.states import Mode
from tests.chaos.history import Call, FrameSeen, History, Purpose
from tests.chaos.plan import PlannedJob
from tests.reading import WORKFLOWS

AGAIN_SECONDS, AT_LAST_SECONDS = 0.3, 2.0
"""How long a client waits before it comes back for the first time, and at most: twice as long each time."""
CALL_SECONDS = 30.0
SYNC_SECONDS = 120.0
SILENT_SECONDS = 20.0
"""When a stream on which not even a keep-alive comes is given up: they come every 15 s."""
LISTED = "listed"
"""What an answer that is a list is called in the history."""

Asked: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Is told of a human request: its job, and what is asked."""


@dataclass
class Watcher:
    """One who follows one job, over as many connections and pauses as it takes."""

    job_id: str
    name: str
    asked: Asked
    crosses_pauses: bool = False
    """Whether it stays connected while the job is suspended; else the server ends its stream there."""
    last_id: str | None = None
    has_ended: bool = False
    """Whether the terminal event was seen."""
    connections: int = 0


class RecordingClient:
    """Asks the web processes in turn. Retries what may be retried: a submit with a key, all else always."""

    def __init__(self, urls: Sequence[str], history: History) -> None:
        self._urls = urls
        self._turns = count()
        self._history = history
        self._http = httpx.AsyncClient(limits=httpx.Limits(max_connections=None), trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._http.aclose()

    async def submit(
        self, job: PlannedJob, body: Mapping[str, Any], accepted: Callable[[str], None], asked: Asked
    ) -> None:
        """Asks for a run until it is accepted, as a careful client may: without a key only once.

        `accepted` is told the job as soon as it is known: for a stream run before the first event.
        """
        async for _ in _again():
            call = await (self._stream(job, body, accepted, asked) if job.mode is Mode.STREAM else self._run(job, body))
            if call.is_accepted:
                assert call.job_id is not None, f"a submit was accepted without a job: {call}"
                accepted(call.job_id)
                return
            if job.key is None or call.is_final:
                return

    async def stop(self, number: int, job_id: str) -> None:
        """Stops a job, again and again until it is answered."""
        await self._insist(Purpose.STOP, number, job_id, "POST", f"{WORKFLOWS}/stop", {"job_id": job_id})

    async def pause(self, number: int, job_id: str) -> None:
        """Pauses a job, again and again until it is answered."""
        await self._insist(Purpose.PAUSE, number, job_id, "POST", f"{WORKFLOWS}/{job_id}/pause")

    async def go_on(self, number: int, job_id: str) -> None:
        """Lets a paused job go on, again and again until it is answered."""
        await self._insist(Purpose.GO_ON, number, job_id, "POST", f"{WORKFLOWS}/{job_id}/resume", {})

    async def look(self, number: int, job_id: str) -> None:
        """Asks how a job stands until it is answered."""
        await self._insist(Purpose.LOOK, number, job_id, "GET", f"{WORKFLOWS}/{job_id}")

    async def decide(self, number: int, job_id: str, request_id: str, decision: Mapping[str, Any]) -> None:
        """Decides on a human request, again and again until it is told whether that is accepted."""
        body = {"request_id": request_id, "decision": decision}
        await self._insist(Purpose.RESUME, number, job_id, "POST", f"{WORKFLOWS}/{job_id}/resume", body)

    async def follow(self, number: int, watcher: Watcher) -> None:
        """Follows a job to its end; a broken connection, and one that ended where the job was suspended, is taken up
        again with `Last-Event-ID`."""
        async for _ in _again():
            if watcher.has_ended:
                return
            if await self._attach(number, watcher) == httpx.codes.NO_CONTENT:
                await self._look_for_requests(number, watcher)

    async def _run(self, job: PlannedJob, body: Mapping[str, Any]) -> Call:
        patience = SYNC_SECONDS if job.mode is Mode.SYNC else CALL_SECONDS
        return await self._ask(Purpose.SUBMIT, job.number, None, "POST", WORKFLOWS, body, patience)

    async def _stream(
        self, job: PlannedJob, body: Mapping[str, Any], accepted: Callable[[str], None], asked: Asked
    ) -> Call:
        asking = _Asking(Purpose.SUBMIT, job.number, self._next_url(), body)
        watcher = Watcher("", f"submit at {asking.asked_at}", asked, connections=1, has_ended=True)
        async with self._opened(asking, "POST", WORKFLOWS) as response:
            if response is not None:
                watcher.job_id, watcher.has_ended = response.headers["x-job-id"], False
                accepted(watcher.job_id)
                await self._read(response, watcher)
        await self.follow(job.number, watcher)
        assert asking.call is not None, "every request becomes a call"
        return asking.call

    async def _attach(self, number: int, watcher: Watcher) -> int | None:
        """Reads on until the connection ends; the status of the answer, if there was one."""
        watcher.connections += 1
        headers = {} if watcher.last_id is None else {"Last-Event-ID": watcher.last_id}
        asking = _Asking(Purpose.ATTACH, number, self._next_url(), headers, watcher.job_id)
        path = f"{WORKFLOWS}/{watcher.job_id}/events{'?on_suspend=follow' if watcher.crosses_pauses else ''}"
        async with self._opened(asking, "GET", path, headers) as response:
            if response is not None:
                await self._read(response, watcher)
        return asking.call.status if asking.call else None

    async def _look_for_requests(self, number: int, watcher: Watcher) -> None:
        path = f"{WORKFLOWS}/{watcher.job_id}/pending"
        call = await self._ask(Purpose.PENDING, number, watcher.job_id, "GET", path)
        for request in call.answer.get(LISTED, ()) if call.is_accepted else ():
            watcher.asked(watcher.job_id, request)

    async def _read(self, response: httpx.Response, watcher: Watcher) -> None:
        reader = FrameReader()
        async for chunk in response.aiter_bytes():
            for id, data in reader.feed(chunk):
                seen = FrameSeen(time.time(), watcher.job_id, watcher.name, watcher.connections, id, data)
                self._history.add(seen)
                watcher.last_id = id
                event = orjson.loads(data)
                watcher.has_ended = event["event"] in TERMINAL
                if event["event"] == EventType.HUMAN_INPUT_REQUIRED:
                    watcher.asked(watcher.job_id, event["data"])

    async def _insist(
        self, purpose: Purpose, number: int, job_id: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> None:
        async for _ in _again():
            if (await self._ask(purpose, number, job_id, method, path, body)).is_final:
                return

    async def _ask(
        self,
        purpose: Purpose,
        number: int,
        job_id: str | None,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        patience: float = CALL_SECONDS,
    ) -> Call:
        """One request with a JSON answer."""
        asking = _Asking(purpose, number, self._next_url(), body or {}, job_id)
        try:
            response = await self._http.request(method, asking.url + path, json=body, timeout=patience)
        except httpx.TransportError as error:
            return self._add(asking.unanswered(error))
        answer = _json(response.content)
        return self._add(asking.answered(response.status_code, answer, job_id or answer.get("job_id")))

    @asynccontextmanager
    async def _opened(
        self, asking: "_Asking", method: str, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response | None]:
        """An open stream, None when there is none to be had; what breaks it ends the block quietly."""
        json = asking.body if method == "POST" else None
        patience = httpx.Timeout(CALL_SECONDS, read=SILENT_SECONDS)
        try:
            async with self._http.stream(
                method, asking.url + path, json=json, headers=headers, timeout=patience
            ) as response:
                job_id = asking.job_id or response.headers.get("x-job-id")
                answer = {} if response.is_success else _json(await response.aread())
                asking.call = self._add(asking.answered(response.status_code, answer, job_id))
                yield response if response.is_success else None
        except httpx.TransportError as error:
            if asking.call is None:
                asking.call = self._add(asking.unanswered(error))
                yield None

    def _add(self, call: Call) -> Call:
        self._history.add(call)
        return call

    def _next_url(self) -> str:
        return self._urls[next(self._turns) % len(self._urls)]


@dataclass
class _Asking:
    """A request that is under way."""

    purpose: Purpose
    number: int
    url: str
    body: Mapping[str, Any]
    job_id: str | None = None
    asked_at: float = field(default_factory=time.time)
    call: Call | None = None

    def answered(self, status: int, answer: Mapping[str, Any], job_id: str | None) -> Call:
        return Call(
            purpose=self.purpose,
            number=self.number,
            url=self.url,
            asked_at=self.asked_at,
            answered_at=time.time(),
            body=self.body,
            status=status,
            answer=answer,
            job_id=job_id,
        )

    def unanswered(self, error: Exception) -> Call:
        return Call(
            purpose=self.purpose,
            number=self.number,
            url=self.url,
            asked_at=self.asked_at,
            answered_at=time.time(),
            body=self.body,
            status=None,
            job_id=self.job_id,
            fault=f"{type(error).__name__}: {error}",
        )


async def _again() -> AsyncIterator[None]:
    """At once, and then again and again, after longer and longer waits."""
    pause = AGAIN_SECONDS
    while True:
        yield
        await asyncio.sleep(pause)
        pause = min(2 * pause, AT_LAST_SECONDS)


def _json(content: bytes) -> dict[str, Any]:
    """The answer, under a name when it is a list, or its text where it is none of ours."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"text": content.decode(errors="replace")}
    return {LISTED: answer} if isinstance(answer, list) else answer


class FrameReader:
    """Takes frames out of the bytes of an event stream, however they are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[tuple[str, str]]:
        """The `id` and `data` of every frame that is whole now; comments and hints are no frames."""
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        found = [dict(line.partition(": ")[::2] for line in block.decode().split("\n")) for block in blocks]
        return [(fields["id"], fields["data"]) for fields in found if "data" in fields]
