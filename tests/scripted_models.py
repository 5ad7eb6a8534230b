"""A model server that does what a script says, request by request, however badly."""

import json
import select
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, Self, TypeAlias

from tests.model_stub import ModelRequest

PATIENCE = 10.0
"""Seconds until a test that waits for what never comes gives up."""


class Exchange:
    """One request while it is answered."""

    def __init__(self, request: ModelRequest, handler: "_Handler") -> None:
        self.request = request
        self._handler = handler

    def answer(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        self._handler.send_response_only(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def answer_json(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        self.answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})

    def begin(self) -> None:
        """The head of an answer in pieces, whose end is told."""
        self._head({"Transfer-Encoding": "chunked"})

    def begin_until_closed(self) -> None:
        """The head of an answer that is over when the connection is."""
        self._handler.close_connection = True
        self._head({"Connection": "close"})

    def piece(self, content: bytes) -> None:
        """One more piece of an answer that was begun with `begin`."""
        self.raw(b"%x\r\n%s\r\n" % (len(content), content))

    def event(self, data: Any, name: str | None = None) -> None:
        """One server-sent event, in a piece of its own."""
        self.piece(event_bytes(data, name))

    def end(self) -> None:
        self.piece(b"")

    def raw(self, content: bytes) -> None:
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def break_off(self) -> None:
        """Closes the connection in the middle."""
        raise ConnectionAbortedError

    def reset(self) -> None:
        """Throws the connection away: the other side gets an error, not an end."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.rfile.close()
        self._handler.connection.close()
        raise ConnectionAbortedError

    def is_gone(self, seconds: float) -> bool:
        """Whether the other side closes the connection within some seconds."""
        readable, _, _ = select.select([self._handler.connection], [], [], seconds)
        return bool(readable)

    def wait_until_gone(self) -> None:
        """Says nothing until the other side has closed the connection."""
        self._handler.connection.settimeout(PATIENCE)
        with suppress(ConnectionError):
            assert self._handler.connection.recv(1) == b""
        raise ConnectionAbortedError

    def _head(self, headers: Mapping[str, str]) -> None:
        self._handler.send_response_only(HTTPStatus.OK)
        for name, value in {"Content-Type": "text/event-stream", **headers}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()


Act: TypeAlias = Callable[[Exchange], object]
"""What is done with one request."""
Script: TypeAlias = Sequence[Act] | Callable[[ModelRequest], Act]
"""What is done with the first request, the second and so on, the last one for ever; or with each by what it asks."""


class ScriptedModels:
    """Does what its script says while it is entered. Requests are answered side by side."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[ModelRequest] = []
        self._change = Condition()
        self._under_way = 0
        self._open = 0
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        """The base URL to give a model that speaks OpenAI's protocol."""
        return f"{self.host_url}/v1"

    @property
    def host_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for_requests(self, number: int) -> None:
        """Returns when as many requests have come."""
        with self._change:
            assert self._change.wait_for(lambda: len(self.requests) >= number, PATIENCE), "nobody asks"

    def wait_until_at_rest(self) -> None:
        """Returns when no request is under way: an answer has ended, or the other side has hung up."""
        with self._change:
            assert self._change.wait_for(lambda: not self._under_way, PATIENCE), "a request is still under way"

    def wait_until_closed(self) -> None:
        """Returns when no connection is open."""
        with self._change:
            assert self._change.wait_for(lambda: not self._open, PATIENCE), "a connection is still open"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer_to(self, exchange: Exchange) -> None:
        with self._change:
            self.requests.append(exchange.request)
            act = self._act(len(self.requests) - 1)
            self._under_way += 1
            self._change.notify_all()
        try:
            act(exchange)
        finally:
            with self._change:
                self._under_way -= 1
                self._change.notify_all()

    def count(self, opened: int) -> None:
        with self._change:
            self._open += opened
            self._change.notify_all()

    def _act(self, index: int) -> Act:
        if callable(self.script):
            return self.script(self.requests[index])
        return self.script[min(index, len(self.script) - 1)]


def event_bytes(data: Any, name: str | None = None) -> bytes:
    """One server-sent event; `data` is text as it is, or JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of connections that broke."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: ScriptedModels

    def handle(self) -> None:
        self.stub.count(1)
        try:
            with suppress(ConnectionError):
                super().handle()
        finally:
            self.stub.count(-1)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.stub.answer_to(Exchange(ModelRequest(self.path, headers, body), self))
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
