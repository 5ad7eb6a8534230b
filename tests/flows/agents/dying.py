"""Journals whose process dies at one of its writes."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from flows.dialogue import Asked
from flows.events import Event
from flows.human import HumanRequest
from flows.journal import Step, VertexResult
from flows.messages import MessageRecord
from tests.flows.asking import Interview

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone."""


class MortalJournal(Interview):
    """Dies at its write number `dies_at`: before it, or when it `stores_last` right behind it. A dead one takes
    nothing; `revive` is the next process, which finds what is stored."""

    def __init__(self, dies_at: int | None = None, *, stores_last: bool = False) -> None:
        super().__init__()
        self.dies_at = dies_at
        self.stores_last = stores_last
        self.writes = 0
        self.is_dead = False
        self._is_writing = False

    def revive(self) -> None:
        self.is_dead = False
        self.dies_at = None

    def check_alive(self, *_: object) -> None:
        """Raises `Killed` where a dead process would do something."""
        if self.is_dead:
            raise Killed

    def announce(self, events: Sequence[Event]) -> None:
        self._write(lambda: super(MortalJournal, self).announce(events))

    def intend(self, vertex_id: str, visit: int) -> None:
        self._write(lambda: super(MortalJournal, self).intend(vertex_id, visit))

    def keep(self, step: Step) -> None:
        keep = super().keep
        self._write(lambda: keep(step))

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        return self._write(lambda: super(MortalJournal, self).ask(vertex_id, visit, request, events))

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        self._write(lambda: super(MortalJournal, self).finish(result, events, messages, spent))

    def delta(self, event: Event) -> None:
        if not self.is_dead:
            super().delta(event)

    def _write(self, store: Callable[[], T]) -> T:
        if self._is_writing:
            return store()
        self.check_alive()
        self.writes += 1
        self.is_dead = self.writes == self.dies_at
        if self.is_dead and not self.stores_last:
            raise Killed
        self._is_writing = True
        try:
            stored = store()
        finally:
            self._is_writing = False
        self.check_alive()
        return stored


def all_deaths(writes: int) -> Iterator[MortalJournal]:
    """A journal for each death that a run of some writes can die."""
    for number in range(1, writes + 1):
        for stores_last in (False, True):
            yield MortalJournal(number, stores_last=stores_last)
