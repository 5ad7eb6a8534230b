"""A client that costs next to nothing: one blocking keep-alive socket, HTTP parsed by hand.

Guarantee: a request costs it far less than it costs the server, so that on two cores the figures are the server's; the
report shows the processor time that the client took. Limits: counting replayed events costs it most, about a sixth of
a core; it reads what uvicorn sends, `Content-Length` or chunks, and nothing else.
"""

import socket
from collections.abc import Iterator
from typing import Any

import orjson

WORKFLOWS = "/api/v2/workflows"
SECONDS = 120.0
"""How long one answer, or the next piece of a stream, may take."""

_TERMINAL = b'"event":"end"'
_COMPLETED = b'"status":"completed"'
_FRAME = b"data: {"


class Unexpected(Exception):
    """The server answered what no measurement can be taken from."""


class Client:
    """One connection to a server on this machine. Belongs to one thread."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        return orjson.loads(self._whole(_request("GET", path)))

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON body."""
        return orjson.loads(self._whole(_request("POST", path, orjson.dumps(body))))

    def submit(self, flow_id: str, **more: str) -> str:
        """Starts a background run; its job id."""
        job_id: str = self.post(WORKFLOWS, {**_run(flow_id, "background"), **more})["job_id"]
        return job_id

    def run(self, flow_id: str) -> int:
        """Streams a run to its terminal event; how many events came."""
        return self._events(_request("POST", WORKFLOWS, orjson.dumps(_run(flow_id, "stream"))))

    def stream(self, flow_id: str, asked: str) -> Iterator[bytes]:
        """The pieces of a run's stream as they come."""
        body = orjson.dumps({**_run(flow_id, "stream"), "input_value": asked})
        return self._chunks(_request("POST", WORKFLOWS, body))

    def follow(self, job_id: str) -> int:
        """Reads a job's log from the start to its terminal event; how many events came."""
        return self._events(_request("GET", f"{WORKFLOWS}/{job_id}/events"))

    def watch(self, path: str) -> Iterator[bytes]:
        """The pieces of a stream as they come."""
        return self._chunks(_request("GET", path))

    def await_frame(self, pieces: Iterator[bytes], event: bytes) -> None:
        """Reads a stream up to a piece that tells of an event."""
        wanted = b'"event":"%b"' % event
        for piece in pieces:
            if wanted in piece:
                return
        raise Unexpected(f"The stream ended before {event.decode()}.")

    def _events(self, request: bytes) -> int:
        """Counts frames by their opening, which JSON inside of a frame escapes. The last must say `completed`."""
        count, last = 0, b""
        for chunk in self._chunks(request):
            count += chunk.count(_FRAME)
            last = chunk
        ending = last[last.rfind(_FRAME) :]
        if _TERMINAL not in ending or _COMPLETED not in ending:
            raise Unexpected(f"The stream ended with {ending[:300]!r}.")
        return count

    def _whole(self, request: bytes) -> bytes:
        headers = self._send(request)
        return self._reader.read(int(headers[b"content-length"]))

    def _chunks(self, request: bytes) -> Iterator[bytes]:
        """The pieces of a stream as they come. The empty one that ends it follows the terminal event at once."""
        self._send(request)
        while size := int(self._reader.readline(), 16):
            yield self._reader.read(size + 2)
        self._reader.readline()

    def _send(self, request: bytes) -> dict[bytes, bytes]:
        self._socket.sendall(request)
        status = self._reader.readline()
        if not status:
            raise Unexpected("The server closed the connection.")
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.partition(b": ")
            headers[name.lower()] = value
        if not status.startswith(b"HTTP/1.1 2"):
            body = self._reader.read(int(headers.get(b"content-length", 0)))
            raise Unexpected(f"{status.decode().strip()}: {body[:300].decode()}")
        return headers


def _request(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\n\r\n".encode() + body


def _run(flow_id: str, mode: str) -> dict[str, str]:
    return {"flow_id": flow_id, "input_value": "hello", "mode": mode}
