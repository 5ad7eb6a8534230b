"""What a component may reach while it builds its vertex, and the ports through which a run reaches the world."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid5

from flows.databases import Databases, NoDatabases
from flows.dialogue import Asked, Dialogue
from flows.events import Event, add_message, log, token
from flows.files import Files, NoFiles
from flows.human import Decision, HumanRequest
from flows.memory import Memory, NoMemory
from flows.messages import MessageRecord
from flows.models import ModelDefaults, ModelTools
from flows.outbound.client import Outbound
from flows.searching import SearchTools
from flows.surroundings import Surroundings
from flows.values import Message, Value


@dataclass(frozen=True)
class Clock:
    """Time as the composition root gives it."""

    now: Callable[[], datetime]
    """The wall clock, in UTC."""
    monotonic: Callable[[], float]
    """Seconds for durations."""


@dataclass(frozen=True)
class VertexResult:
    """A finished vertex: what is stored of it, and shown."""

    vertex_id: str
    visit: int
    outputs: Mapping[str, Value]


class Journal(Protocol):
    """Where a pass writes. Every method but `delta` returns after its transaction has committed.

    Each may raise the control flow of a pass that was lost (rule 2); the engine lets it rise and writes nothing more.
    """

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        """Stores a human request behind some milestones, in one transaction. It applies what the vertex was told
        before, and takes back that the vertex was about to act."""

    def announce(self, events: Sequence[Event]) -> None:
        """Stores milestones at once."""

    def intend(self, vertex_id: str, visit: int) -> None:
        """Stores that a vertex is about to do what must not happen twice; on disk when it returns."""

    def finish(self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord]) -> None:
        """Stores a finished vertex with its milestones and chat messages, in one transaction."""

    def delta(self, event: Event) -> None:
        """Publishes a live event. It may be lost, and never fails the vertex."""


@dataclass(frozen=True)
class RunRequest:
    """What was asked of this run."""

    job_id: str
    flow_id: str
    session_id: str
    input_value: str
    files: tuple[str, ...] = ()
    is_remembered: bool = True
    """Whether its chat messages go into the memory of its session."""


@dataclass(frozen=True)
class RunTools:
    """What a run borrows from its process: the clock, the variables of its user, and the ways out and to models."""

    clock: Clock
    variable: Callable[[str], str | None]
    """The value of a variable by name: the globals of the request first, then the user's stored ones."""
    outbound: Outbound
    """Makes every outgoing call; nothing in a flow opens a connection of its own (fault F7)."""
    model_defaults: ModelDefaults
    files: Files = NoFiles()
    """The uploaded files that it may read."""
    search_endpoint: str | None = None
    """Where searches are asked, in place of the public ones."""
    databases: Databases = NoDatabases()
    """The databases that it may ask."""
    memory: Memory = NoMemory()
    """What was said before in its session."""

    @property
    def models(self) -> ModelTools:
        """The way to models."""
        return ModelTools(self.outbound)

    @property
    def search(self) -> SearchTools:
        """The way to searches."""
        return SearchTools(self.outbound, self.search_endpoint)


class VertexContext:
    """One vertex while it is built. A component gets it beside its inputs."""

    def __init__(
        self,
        surroundings: Surroundings,
        visit: int,
        *,
        run: RunRequest,
        tools: RunTools,
        journal: Journal,
        dialogue: Dialogue,
    ) -> None:
        self.surroundings = surroundings
        self.visit = visit
        self.run = run
        self.tools = tools
        self.recorded: list[Event] = []
        self.messages: list[MessageRecord] = []
        self.shown: MessageRecord | None = None
        self._journal = journal
        self._dialogue = dialogue

    @property
    def vertex_id(self) -> str:
        return self.surroundings.vertex_id

    @property
    def idempotency_key(self) -> str:
        """The same for every try of this visit (rule 6)."""
        return f"{self.run.job_id}:{self.vertex_id}:{self.visit}"

    def ask(self, request: HumanRequest) -> Decision:
        """The decision of a person. Until it is there this does not return: the build ends here, and begins again from
        its start when somebody has decided. A component that is built `once` asks before it acts.

        A decision stands for exactly what was asked: asked for anything else, the person is asked again.
        """
        return self._dialogue.decision_on(request)

    def message_id(self, vertex_id: str | None = None) -> str:
        """The id of the chat message that a vertex shows. Every pass finds the same one."""
        return str(uuid5(UUID(self.run.job_id), f"{vertex_id or self.vertex_id}:{self.visit}"))

    def show(self, message: Message, *, stored: bool) -> None:
        """Shows a chat message when the vertex is finished, and remembers it when `stored`."""
        record = self.record(message)
        self.shown = record
        self.recorded.append(add_message(record))
        if stored:
            self.remember(record)

    def remember(self, record: MessageRecord) -> None:
        """Keeps a chat message in the session's memory when the vertex is finished, unless nothing of this run is."""
        if self.run.is_remembered:
            self.messages.append(record)

    def open_message(self, message: Message, vertex_id: str) -> str:
        """Shows at once a chat message, by the vertex that will finish it, that tokens will fill; returns its id."""
        record = self.record(message, vertex_id, "partial")
        self._journal.announce([add_message(record)])
        return record.id

    def token(self, chunk: str, message_id: str) -> None:
        """Sends one more piece of an open message to whoever is watching."""
        self._journal.delta(token(chunk, message_id))

    def log(self, text: str, name: str = "log") -> None:
        """Sends a line to whoever is watching; it is not stored."""
        self._journal.delta(log(self.vertex_id, name, text))

    def record(self, message: Message, vertex_id: str | None = None, state: str = "complete") -> MessageRecord:
        """The chat message that a message is, or would be if it were shown."""
        return MessageRecord(
            id=self.message_id(vertex_id),
            job_id=self.run.job_id,
            flow_id=self.run.flow_id,
            created_at=self.tools.clock.now(),
            message=message,
            state=state,
        )
