"""Servers made of bytes: what each connection brings, and where it breaks off."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from flows.events import Event, end, token, warning
from storage.cursor import Cursor

JOB_ID = "8d0f2f5e-6f8e-4b93-9d5a-1f2c3d4e5f60"
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "x-job-id": JOB_ID}
URL = "http://penstock.test"


@dataclass(frozen=True)
class Logged:
    """One event of a log, at its cursor."""

    cursor: Cursor
    event: Event

    @property
    def block(self) -> bytes:
        return b"data: %b\nid: %b\n\n" % (self.event.encode(), str(self.cursor).encode())


def log_of(deltas: Sequence[int]) -> list[Logged]:
    """A log to its end: a milestone for each number, with so many deltas behind it."""
    found: list[Logged] = []
    for seq, count in enumerate(deltas, 1):
        found.append(Logged(Cursor(seq), warning(f"Größe {seq}\u2028\r\n")))
        found += [Logged(Cursor(seq, k), token("wörd ", "m1")) for k in range(1, count + 1)]
    return [*found, Logged(Cursor(len(deltas) + 1), end("completed", 0.1))]


class Bytes(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, which may break off."""

    def __init__(self, pieces: Sequence[bytes], breaks: bool) -> None:
        self._pieces = pieces
        self._breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._breaks:
            raise httpx.ReadError("The connection was reset.")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


@dataclass
class Wire:
    """A server that answers with a log: the whole of it, or as far as a mishap lets it.

    A mishap is a status that refuses, 0 for a server that is not there, or a number of bytes after which the connection
    `breaks` or just ends. All further connections go well. A repeating server begins some events too early.
    """

    log: Sequence[Logged]
    mishaps: list["Mishap"] = field(default_factory=list)
    retry: int = 0
    forgets: bool = False
    """Whether the deltas are gone when somebody comes back."""
    requests: list[httpx.Request] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert request.method == "POST" or request.url.path == f"/api/v2/workflows/{JOB_ID}/events"
        mishap = self.mishaps.pop(0) if self.mishaps else None
        if mishap is not None and mishap.status == 0:
            raise httpx.ConnectError("Connection refused", request=request)
        if mishap is not None and mishap.status != 200:
            refusal = {"detail": {"code": "SERVICE_BUSY", "message": "Come again."}}
            return httpx.Response(mishap.status, headers={"retry-after": "0"}, json=refusal, request=request)
        after = Cursor.parse(request.headers.get("last-event-id")) or Cursor(0)
        left = self._left(after, 0 if mishap is None else mishap.repeats)
        body = b"retry: %d\n\n: keepalive\n\n" % self.retry + b"".join(logged.block for logged in left)
        if mishap is None:
            return httpx.Response(200, headers=HEADERS, stream=Bytes([body], breaks=False), request=request)
        cut = body[: mishap.bytes]
        pieces = [cut[at : at + mishap.piece] for at in range(0, len(cut), mishap.piece)]
        return httpx.Response(200, headers=HEADERS, stream=Bytes(pieces, mishap.breaks), request=request)

    def _left(self, after: Cursor, repeats: int) -> list[Logged]:
        first = next((at for at, logged in enumerate(self.log) if logged.cursor > after), len(self.log))
        shown = self.log[max(first - repeats, 0) :]
        gone = self.forgets and len(self.requests) > 1
        return [logged for logged in shown if logged.cursor.is_milestone or not gone]


@dataclass(frozen=True)
class Mishap:
    """How one connection goes wrong."""

    status: int = 200
    bytes: int = 0
    piece: int = 1_000
    breaks: bool = True
    repeats: int = 0
