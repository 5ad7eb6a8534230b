"""Lets a pass end with its job suspended, when nothing is left to do in it until somebody answers (rules 7 and 10)."""

from collections.abc import Callable
from typing import Any, cast

from dramatiq import Actor, Broker, Middleware

from actors.journal import PassJournal
from actors.running import Pass
from flows.errors import PassInterrupted
from flows.execution.engine import Progress
from storage.log import EventLog


class Suspension(Middleware):
    """Gives a pass its journal, and suspends its job when the build says that it waits.

    What is there to be resumed are the results and the human requests that the pass has stored already; suspending adds
    nothing to them, and is refused when an answer came first: then the pass goes on. It wraps the actor's function,
    where a save that fails propagates.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def after_declare_actor(self, broker: Broker, actor: Actor[Any, Any]) -> None:
        build = cast("Callable[[Pass, PassJournal], Progress]", actor.fn)

        def with_suspension(running: Pass) -> None:
            journal = PassJournal(self._log, running)
            try:
                while (progress := build(running, journal)) is not Progress.DONE:
                    if journal.suspend(waits=progress is Progress.WAITING):
                        return
            except PassInterrupted as interrupted:
                raise (interrupted.__cause__ or interrupted) from None
            finally:
                journal.close()

        actor.fn = with_suspension
