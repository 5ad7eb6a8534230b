"""Builds one component by itself, in memory, as a test of it does: `from penstock.trying import try_out`."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flows.checkpoints import Checkpoints
from flows.codec import encode_outputs
from flows.component import AnyComponent
from flows.dialogue import Asked
from flows.events import Event, EventType
from flows.execution.engine import Engine, Pace, Progress
from flows.graph import Graph, load_graph
from flows.human import Decision, HumanRequest
from flows.journal import Step, VertexResult
from flows.limits import Limits
from flows.messages import MessageRecord
from flows.models.defaults import ModelDefaults
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.registry import Registry
from flows.run import Clock, RunRequest, RunTools
from flows.values import Message, Value
from flows.writing.flow import Flow

ID = "tried"


@dataclass(frozen=True)
class Tried:
    """What came of a component that was built by itself."""

    outputs: Mapping[str, Value]
    """What it put out; nothing while it waits for a person."""
    logs: Sequence[str]
    """The lines that it logged, its progress among them."""
    messages: Sequence[Message]
    """The chat messages that it has stored."""
    asked: Sequence[HumanRequest]
    """What it asked people."""


@dataclass
class _Journal:
    """Keeps what a test may want to see."""

    outputs: Mapping[str, Value] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    requests: list[HumanRequest] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        request_id = f"{vertex_id}:{len(self.asked) + 1}"
        self.requests.append(request)
        self.asked.append(Asked(request_id, vertex_id, visit, request.kind, request.digest, None))
        return self.asked[-1]

    def announce(self, events: Sequence[Event]) -> None:
        """Nobody watches."""

    def keep(self, step: Step) -> None:
        self.checkpoints.update([step.checkpoint])
        self.messages += [record.message for record in step.messages]

    def intend(self, vertex_id: str, visit: int) -> None:
        """Nothing is stored, so nothing is lost."""

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        encode_outputs(result.outputs)
        self.outputs = result.outputs
        self.messages += [record.message for record in messages]

    def delta(self, event: Event) -> None:
        if event.type is EventType.LOG:
            self.logs.append(str(event.data["message"]))


def try_out(
    component: type[AnyComponent],
    /,
    *,
    variables: Mapping[str, str] | None = None,
    allowed_hosts: str = "",
    decisions: Sequence[Decision] = (),
    seconds: float | None = None,
    **fields: Any,
) -> Tried:
    """Builds a component from fields as edges would bring them, and returns what came of it.

    It may call public addresses and `allowed_hosts`, written as in PENSTOCK_ALLOWED_HOSTS. What it asks is decided by
    `decisions`, in their order. Raises what a run would fail with: `VertexFailed`, `VertexTimedOut` after `seconds`.
    """
    tools = RunTools(
        Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic),
        dict(variables or {}).get,
        Outbound(OutboundPolicy.allowing(allowed_hosts)),
        ModelDefaults(),
    )
    return asyncio.run(_build(_graph(component, fields), tools, Pace(vertex_seconds=seconds), decisions))


async def _build(graph: Graph, tools: RunTools, pace: Pace, decisions: Sequence[Decision]) -> Tried:
    request, journal = RunRequest(str(uuid4()), str(uuid4()), ID, ""), _Journal()
    engine = Engine(graph, request, tools, journal, pace, checkpoints=journal.checkpoints)
    try:
        progress, left = await engine.run(engine.restore()), list(decisions)
        while progress is Progress.WAITING and left:
            answered = replace(journal.asked[-1], decision=left.pop(0))
            progress = await engine.run(engine.revisit([answered]))
    finally:
        await tools.outbound.close()
    return Tried(journal.outputs, journal.logs, journal.messages, journal.requests)


def _graph(component: type[AnyComponent], fields: Mapping[str, Any]) -> Graph:
    """The component alone. What it is given stands in the place of tweaks, so that it may be any value."""
    registry = Registry([component])
    flow = Flow(ID, registry)
    node = flow.add(component.types[0], ID)
    for name in fields:
        node.field(name)
    return load_graph(flow.drawn(), registry, Limits()).with_overrides({ID: dict(fields)})
