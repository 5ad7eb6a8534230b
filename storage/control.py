"""How a process tells the others what people want of a job: at once, and only as a courtesy (rule 9).

Whoever misses the word learns it from the job's row, at its next write.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from enum import StrEnum
from threading import Event, Thread
from typing import Protocol, TypeAlias

import redis

from storage.redis_link import RedisAway, RedisLink

CHANNEL = "penstock:control"
_RETRY_SECONDS = 1.0


class Word(StrEnum):
    """What is told about a job."""

    ENDED = "ended"
    """It was stopped, or its time is over."""
    ANSWERED = "answered"
    """Somebody decided on a human request of it."""
    PAUSED = "paused"
    """It is to stand still."""


Heard: TypeAlias = Callable[[Word, str], None]
"""Is told a word about a job, by its id."""


class Control(Protocol):
    """A channel that carries words about jobs."""

    def tell(self, word: Word, job_id: str) -> None:
        """Tells every listening process."""

    def listen(self, heard: Heard) -> None:
        """Calls `heard` with each word, from another thread, until `close`."""

    def close(self) -> None:
        """Stops listening."""


class MemoryControl:
    """The channel of one process."""

    def __init__(self) -> None:
        self._listeners: list[Heard] = []

    def tell(self, word: Word, job_id: str) -> None:
        for heard in list(self._listeners):
            heard(word, job_id)

    def listen(self, heard: Heard) -> None:
        self._listeners.append(heard)

    def close(self) -> None:
        self._listeners.clear()


class RedisControl:
    """The channel of many processes, on Redis publish and subscribe."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._closed = Event()

    def tell(self, word: Word, job_id: str) -> None:
        with suppress(RedisAway), self._link.reaching():
            self._link.quick.publish(CHANNEL, f"{word} {job_id}")

    def listen(self, heard: Heard) -> None:
        Thread(target=self._listen, args=(heard,), name="control", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _listen(self, heard: Heard) -> None:
        while not self._closed.is_set():
            try:
                self._relay(heard)
            except redis.RedisError:
                self._closed.wait(_RETRY_SECONDS)

    def _relay(self, heard: Heard) -> None:
        with self._link.listener() as client, closing(client.pubsub(ignore_subscribe_messages=True)) as channel:
            channel.subscribe(CHANNEL)
            while not self._closed.is_set():
                message = channel.get_message(timeout=_RETRY_SECONDS)
                if message is not None:
                    word, _, job_id = message["data"].decode().partition(" ")
                    # Another release may tell what this one does not know.
                    if word in set(Word):
                        heard(Word(word), job_id)
