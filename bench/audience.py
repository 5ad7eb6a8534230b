"""Many clients of one run, in a process of their own that costs next to nothing.

`python -m bench.audience PORT PATH CLIENTS EVENTS` attaches them all to a run that waits for a person, says so in a
line, reads until each has the end, and prints how late the marked events were. What it takes to read is part of that.
"""

import gc
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass

import orjson

from bench.client import SECONDS, Unexpected
from bench.model import MARK, ROOT

_READ_BYTES = 1 << 16
_WAITS = b'"event":"human_input_required"'
_END = b'"event":"end"'
_WRITTEN = re.compile(rf'"{MARK}(\d+) "'.encode())


@dataclass(frozen=True)
class Delays:
    """From the moment an event was written to that in which a client has it, over all events and clients, in
    milliseconds."""

    p50: float
    p99: float
    most: float


class Audience:
    """The process, whose clients are attached."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def delays(self) -> Delays:
        """Waits until all clients have the end of the run. Raises `Unexpected` if one did not get every event."""
        said, _ = self._process.communicate(timeout=SECONDS)
        if self._process.returncode:
            raise Unexpected("Not every client has heard everything.")
        return Delays(**orjson.loads(said))


@contextmanager
def attached(port: int, path: str, clients: int, events: int) -> Iterator[Audience]:
    """Clients of a run that waits for a person, and has so many marked events afterwards."""
    command = [sys.executable, "-m", "bench.audience", str(port), path, str(clients), str(events)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise Unexpected("The clients could not attach.")
            yield Audience(process)
        finally:
            process.kill()


class _Listener:
    """One client."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.heard = 0
        """How many marked events it has."""
        self._rest = b""

    def receive(self) -> bytes:
        """The whole frames that have come."""
        read = self.socket.recv(_READ_BYTES)
        if not read:
            raise Unexpected(f"The server closed the connection after {self._rest[-300:]!r}.")
        whole, separator, self._rest = (self._rest + read).rpartition(b"\n\n")
        return whole + separator


def listen(port: int, path: str, clients: int, events: int) -> Delays:
    """Attaches clients, says so, and reads to the end."""
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(clients):
            listener = _Listener(port, path)
            stack.enter_context(closing(listener.socket))
            selector.register(listener.socket, selectors.EVENT_READ, listener)
        waiting = clients
        while waiting:
            waiting -= sum(_WAITS in listener.receive() for listener in _ready(selector))
        print(flush=True)
        gc.disable()
        delays = _read_to_end(selector, clients, events)
    cuts = statistics.quantiles(delays, n=100)
    return Delays(p50=cuts[49], p99=cuts[98], most=max(delays))


def _read_to_end(selector: selectors.BaseSelector, clients: int, events: int) -> "array[float]":
    """For each client and event, its delay in milliseconds."""
    delays = array("d")
    while clients:
        for listener in _ready(selector):
            frames = listener.receive()
            now = time.monotonic_ns()
            written = _WRITTEN.findall(frames)
            delays.extend((now - int(at)) / 1e6 for at in written)
            listener.heard += len(written)
            if _END in frames:
                if listener.heard != events:
                    raise Unexpected(f"A client heard {listener.heard} of {events} events.")
                selector.unregister(listener.socket)
                clients -= 1
    return delays


def _ready(selector: selectors.BaseSelector) -> Iterator[_Listener]:
    found = selector.select(SECONDS)
    if not found:
        raise Unexpected(f"Nothing came for {SECONDS:g} seconds.")
    return (key.data for key, _ in found)


if __name__ == "__main__":
    heard = listen(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(orjson.dumps(asdict(heard)).decode())
