"""How a process tells the others that a job was ended: at once, and only as a courtesy (rule 9).

Whoever misses the word learns it from the fence at its next write.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from threading import Event, Thread
from typing import Protocol

import redis

from storage.redis_link import RedisAway, RedisLink

CHANNEL = "penstock:control"
_RETRY_SECONDS = 1.0


class Control(Protocol):
    """A channel that carries the ids of jobs that were ended."""

    def ended(self, job_id: str) -> None:
        """Tells every listening process."""

    def listen(self, heard: Callable[[str], None]) -> None:
        """Calls `heard` with each id, from another thread, until `close`."""

    def close(self) -> None:
        """Stops listening."""


class MemoryControl:
    """The channel of one process."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[str], None]] = []

    def ended(self, job_id: str) -> None:
        for heard in list(self._listeners):
            heard(job_id)

    def listen(self, heard: Callable[[str], None]) -> None:
        self._listeners.append(heard)

    def close(self) -> None:
        self._listeners.clear()


class RedisControl:
    """The channel of many processes, on Redis publish and subscribe."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._closed = Event()

    def ended(self, job_id: str) -> None:
        with suppress(RedisAway), self._link.reaching():
            self._link.quick.publish(CHANNEL, job_id)

    def listen(self, heard: Callable[[str], None]) -> None:
        Thread(target=self._listen, args=(heard,), name="control", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _listen(self, heard: Callable[[str], None]) -> None:
        while not self._closed.is_set():
            try:
                self._relay(heard)
            except redis.RedisError:
                self._closed.wait(_RETRY_SECONDS)

    def _relay(self, heard: Callable[[str], None]) -> None:
        with self._link.listener() as client, closing(client.pubsub(ignore_subscribe_messages=True)) as channel:
            channel.subscribe(CHANNEL)
            while not self._closed.is_set():
                message = channel.get_message(timeout=_RETRY_SECONDS)
                if message is not None:
                    heard(message["data"].decode())
