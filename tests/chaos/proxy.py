"""A proxy before a server that answers, whose answer then gets lost: nobody knows whether it did what it was asked."""

import socket
import struct
from contextlib import suppress
from select import select
from threading import Semaphore, Thread
from typing import Self
from urllib.parse import urlsplit

_AT_ONCE = 65_536
_WITH_A_RESET = struct.pack("ii", 1, 0)
"""The SO_LINGER of a socket that is closed with a reset."""


class SwallowingProxy:
    """Forwards connections to the server of a URL while it is entered; `url` is the same one through the proxy.

    After `arm` the next reply on any connection is swallowed, and that connection reset on both sides.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._armed = Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{parts.port}", f":{self._listener.getsockname()[1]}", 1)
        self._accepting = Thread(target=self._accept, name="swallowing-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Takes no further connection; those that are open stay until one of their ends closes them."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def arm(self) -> None:
        """Swallows one more reply: the server has done what it was asked."""
        self._armed.release()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=(client,), name="swallowing-proxy", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._server) as server:
            while self._relayed(client, server):
                pass

    def _relayed(self, client: socket.socket, server: socket.socket) -> bool:
        """Relays what has come; false when the connection is over."""
        for source in select([client, server], [], [])[0]:
            data = source.recv(_AT_ONCE)
            if not data:
                return False
            if source is server and self._armed.acquire(blocking=False):
                _reset(client, server)
                return False
            (client if source is server else server).sendall(data)
        return True


def _reset(*connections: socket.socket) -> None:
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _WITH_A_RESET)
        connection.close()
