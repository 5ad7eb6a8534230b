"""A model server in a process of its own, whose tokens say when they were sent.

`python -m bench.model PORT` answers each request with as many tokens as its last message says, at the pace it says:
`5000 400` for 5,000 tokens, 400 of them in a second; `5000 0` for as fast as they are taken.
"""

import asyncio
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import orjson

from bench.services import free_port, running

ROOT = Path(__file__).parent.parent
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
MARK = "@"
"""Stands before the moment in each token: nanoseconds of the machine's monotonic clock, the same for all processes."""


@contextmanager
def running_model() -> Iterator[str]:
    """The base URL of a model server."""
    port = free_port()
    with running([sys.executable, "-m", "bench.model", str(port)], ROOT, lambda: _answers(port)):
        yield f"http://127.0.0.1:{port}/v1"


async def serve(port: int) -> None:
    """Serves for ever."""
    server = await asyncio.start_server(_connection, "127.0.0.1", port)
    await server.serve_forever()


async def _connection(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            if not head.startswith(b"POST"):
                writer.write(NOTHING)
                continue
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            asked = orjson.loads(await reader.readexactly(length))
            count, pace = (int(word) for word in asked["messages"][-1]["content"].split())
            await _answer(writer, count, pace)
    writer.close()


async def _answer(writer: StreamWriter, count: int, pace: int) -> None:
    writer.write(HEAD)
    began = time.monotonic()
    for number in range(count):
        if pace and (wait := began + number / pace - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        _send(writer, _chunk({"role": "assistant", "content": f"{MARK}{time.monotonic_ns()} "}))
        await writer.drain()
    _send(writer, _chunk({}, "stop"))
    usage = {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}
    _send(writer, orjson.dumps({**_FRAME, "choices": [], "usage": usage}))
    _send(writer, b"[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


_FRAME = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "bench"}


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return orjson.dumps({**_FRAME, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _send(writer: StreamWriter, data: bytes) -> None:
    event = b"data: " + data + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(event), event))


def _answers(port: int) -> bool:
    with suppress(ConnectionError):
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    return False


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
