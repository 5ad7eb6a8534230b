"""Runs flows in memory: a journal that keeps what it is told, and what a run borrows from its process."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from flows.checkpoints import Checkpoint, Checkpoints
from flows.codec import encode_outputs, plain
from flows.databases import Databases, NoDatabases
from flows.dialogue import Asked
from flows.events import Event, EventType, human_input_required
from flows.execution.engine import Engine, Pace
from flows.files import Files, NoFiles
from flows.graph import Graph
from flows.human import HumanRequest
from flows.journal import Step, VertexResult
from flows.messages import MessageRecord
from flows.models.defaults import ModelDefaults
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.run import Clock, RunRequest, RunTools
from flows.values import Value

JOB_ID = "0b105ea0-ccef-46c8-844d-d57373370a52"
FLOW_ID = "763cd5f9-05d2-4a56-b74b-a120412fc6b4"
NOW = datetime(2026, 11, 22, 17, 49, 11, 274457, UTC)

STEADY = Pace()
HERE = OutboundPolicy.allowing("127.0.0.1")
"""Allows the stubs that tests call."""


class RecordingJournal:
    """Keeps everything in memory. Like a store, it takes only what can be encoded."""

    def __init__(self) -> None:
        self.milestones: list[Event] = []
        self.deltas: list[Event] = []
        self.results: list[VertexResult] = []
        self.messages: list[MessageRecord] = []
        self.intents: list[tuple[str, int]] = []
        self.asked: list[HumanRequest] = []
        self.kept: list[Checkpoint] = []
        self.checkpoints = Checkpoints()
        self.spent = 0

    def announce(self, events: Sequence[Event]) -> None:
        for event in events:
            event.encode()
        self.milestones += events

    def intend(self, vertex_id: str, visit: int) -> None:
        self.intents.append((vertex_id, visit))

    def keep(self, step: Step) -> None:
        orjson.dumps(plain(step.checkpoint.content, step.checkpoint.name))
        self.announce(step.events)
        self.checkpoints.update([step.checkpoint])
        self.kept.append(step.checkpoint)
        self.messages += step.messages
        self.spent += step.spent

    @property
    def stored_checkpoints(self) -> Checkpoints:
        """The steps of vertices that are not finished, for another pass."""
        finished = {(result.vertex_id, result.visit) for result in self.results}
        return Checkpoints(one for one in self.kept if (one.vertex_id, one.visit) not in finished)

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        request_id = f"{vertex_id}:{len(self.asked) + 1}"
        self.announce([*events, human_input_required(request.payload(request_id, NOW))])
        self.asked.append(request)
        return Asked(request_id, vertex_id, visit, request.kind, request.digest, None)

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        self.spent += spent
        encode_outputs(result.outputs)
        self.announce(events)
        self.results.append(result)
        self.messages += messages

    def delta(self, event: Event) -> None:
        event.encode()
        self.deltas.append(event)

    @property
    def finished(self) -> list[str]:
        """The ids of the finished vertices in the order they finished."""
        return [result.vertex_id for result in self.results]

    def outputs(self, vertex_id: str) -> Mapping[str, Value]:
        """What a vertex produced."""
        [found] = [result.outputs for result in self.results if result.vertex_id == vertex_id]
        return found

    def of_type(self, kind: EventType) -> list[Event]:
        return [event for event in (*self.milestones, *self.deltas) if event.type is kind]


def request(input_value: str = "hello", session_id: str = "s2", files: Sequence[str] = ()) -> RunRequest:
    return RunRequest(JOB_ID, FLOW_ID, session_id, input_value, tuple(files))


def tools(
    variables: Mapping[str, str] | None = None,
    *,
    outbound: Outbound | None = None,
    defaults: ModelDefaults | None = None,
    files: Files | None = None,
    search_endpoint: str | None = None,
    arxiv_endpoint: str | None = None,
    databases: Databases | None = None,
) -> RunTools:
    """A process whose clock stands at `NOW`, and whose flows may call this machine."""
    clock = Clock(now=lambda: NOW, monotonic=time.monotonic)
    looked_up = dict(variables or {}).get
    ways = (outbound or Outbound(HERE), defaults or ModelDefaults(), files or NoFiles())
    return RunTools(
        clock,
        looked_up,
        *ways,
        search_endpoint=search_endpoint,
        arxiv_endpoint=arxiv_endpoint,
        databases=databases or NoDatabases(),
    )


async def build(
    graph: Graph,
    journal: RecordingJournal | None = None,
    *,
    asked: RunRequest | None = None,
    borrowed: RunTools | None = None,
    finished: Sequence[VertexResult] = (),
    pace: Pace = STEADY,
) -> RecordingJournal:
    """One pass over a graph; returns the journal it was written to."""
    journal = journal or RecordingJournal()
    borrowed = borrowed or tools()
    engine = Engine(graph, asked or request(), borrowed, journal, pace, checkpoints=journal.checkpoints)
    try:
        await engine.run(engine.restore(finished))
    finally:
        await borrowed.outbound.close()
    return journal


def run(graph: Graph, asked: RunRequest | None = None, borrowed: RunTools | None = None) -> RecordingJournal:
    """One pass over a graph on a loop of its own."""
    return asyncio.run(build(graph, asked=asked, borrowed=borrowed))
