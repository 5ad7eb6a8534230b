"""Runs in which vertices ask, and somebody who answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from flows.dialogue import Asked, Dialogues
from flows.events import Event
from flows.execution.engine import Engine, Progress
from flows.graph import Graph
from flows.human import Decision, HumanRequest, Option, RequestKind
from tests.flows.running import STEADY, RecordingJournal, request, tools
from tests.flows.steps import PATIENCE

APPROVE = Decision("approve")
QUESTION = HumanRequest(
    RequestKind.NODE_INPUT, "Go on?", options=(Option("approve", "Approve"), Option("reject", "Reject"))
)


class Interview(RecordingJournal):
    """A journal that keeps how requests stand, and takes the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Asked] = []
        self.was_asked = asyncio.Event()

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        asked = super().ask(vertex_id, visit, request, events)
        self.requests.append(asked)
        self.was_asked.set()
        return asked

    def answer(self, vertex_id: str, decision: Decision | None = APPROVE) -> list[Asked]:
        """Decides on the last request of a vertex; how it stands then."""
        at = max(at for at, one in enumerate(self.requests) if one.vertex_id == vertex_id)
        self.requests[at] = replace(self.requests[at], decision=decision)
        return [self.requests[at]]

    @property
    def dialogues(self) -> Dialogues:
        """How all requests stand, for another pass."""
        return Dialogues(self.requests)

    @property
    def askers(self) -> list[str]:
        """The vertices that asked, in order."""
        return [one.vertex_id for one in self.requests]

    def engine(self, graph: Graph) -> Engine:
        """A pass over a graph that knows all requests as they stand."""
        return Engine(graph, request(), tools(), self, STEADY, self.dialogues)

    def go_through(self, graph: Graph) -> Progress:
        """One pass over a graph, from what is finished."""
        engine = self.engine(graph)
        ready = engine.restore(self.results)
        return asyncio.run(asyncio.wait_for(engine.run(ready), PATIENCE))
