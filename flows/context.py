"""What a component may reach while it builds its vertex."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Protocol
from urllib.parse import quote
from uuid import UUID, uuid5

from flows.budget import Spending, over_budget
from flows.checkpoints import Checkpoint
from flows.dialogue import Dialogue
from flows.effects import Effect
from flows.events import Event, add_message, log, token
from flows.human import Decision, HumanRequest
from flows.journal import Journal, Step
from flows.messages import MessageRecord
from flows.run import RunRequest, RunTools
from flows.surroundings import Surroundings
from flows.tools import Action
from flows.values import Json, Message, Tool, Usage, Value

_PRINTABLE = "".join(map(chr, range(32, 127)))


class PreparedCall(Protocol):
    """One call of an action with valid arguments, about to be made."""

    @property
    def effect(self) -> Effect:
        """What it does to the world."""

    async def make(self, context: "VertexContext", call_id: str) -> Value:
        """What it answers. Raises whatever the component does."""


class Toolbox(Protocol):
    """The vertices of a run that are there for agents to call."""

    def actions(self, tools: Iterable[Tool]) -> Sequence[Action]:
        """All that some of them can do, no two by the same name."""

    def prepare(self, action: Action, args: Mapping[str, Json]) -> PreparedCall:
        """Raises `InputsRefused` for arguments that do not fit."""


@dataclass(frozen=True)
class Visit:
    """One visit of a vertex: what it has asked and done so far, in this pass and earlier ones."""

    vertex_id: str
    number: int
    dialogue: Dialogue
    kept: Mapping[str, Json] = field(default_factory=dict)
    """The steps it has done, by name."""
    visit_of: Callable[[str], int] = lambda vertex_id: 1
    """At which visit any vertex of the run is."""
    given: int = 0
    """When it is a loop: how many items are through."""
    returned: Sequence[Value] = ()
    """When it is a loop: what its items have brought back."""
    inside: object = None
    """What a run inside it shares with its own: an `Inside`, for whoever starts one."""


class VertexContext:
    """One vertex while it is built. A component gets it beside its inputs."""

    def __init__(
        self,
        surroundings: Surroundings,
        visit: Visit,
        *,
        run: RunRequest,
        tools: RunTools,
        journal: Journal,
        toolbox: Toolbox,
    ) -> None:
        self.surroundings = surroundings
        self.run = run
        self.tools = tools
        self.recorded: list[Event] = []
        self.messages: list[MessageRecord] = []
        self.shown: MessageRecord | None = None
        self.toolbox = toolbox
        self.scope = ""
        """Which calls of tools, one within the other, it is built for; empty for the vertex itself."""
        self.spending = Spending(tools.budget)
        self._visit = visit
        self._journal = journal
        self._written: dict[str, int] = {}
        """How many characters each open message has."""
        self._called: dict[str, VertexContext] = {}
        """The contexts of the calls that are under way, by the names of their steps."""
        self._abandoned: tuple[Flag, ...] = (Flag(),)
        """Its own flag, behind those of the builds that it is part of."""

    @property
    def vertex_id(self) -> str:
        return self.surroundings.vertex_id

    @property
    def visit(self) -> int:
        """Which visit of its vertex this is."""
        return self._visit.number

    @property
    def visited(self) -> Visit:
        """The visit that it is built for; that of an agent, where it is built as a tool."""
        return self._visit

    @property
    def items_given(self) -> int:
        """How many items a loop has given so far; all of them are through."""
        return self._visit.given

    @property
    def returned(self) -> Sequence[Value]:
        """What the items of a loop have brought back, in their order; an item may bring nothing, or several values."""
        return self._visit.returned

    @property
    def idempotency_key(self) -> str:
        """The same for every try of this visit, or of this call of a tool (rule 6). Printable ASCII, so that it may
        stand in a header."""
        key = f"{self.run.job_id}:{self._visit.vertex_id}:{self.visit}"
        return quote(f"{key}:{self.scope.rstrip('/')}" if self.scope else key, safe=_PRINTABLE)

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for this build any more: its run was stopped, failed elsewhere, or it took too long.

        A plain function asks between two steps, and returns. A coroutine need not: it is cancelled where it awaits.
        """
        return any(flag.is_set() for flag in self._abandoned)

    def abandon(self) -> None:
        """Says that nobody waits for this build any more."""
        self._abandoned[-1].set()

    def within(self, call_id: str, surroundings: Surroundings) -> "VertexContext":
        """The context of a vertex that this one calls as a tool. What it keeps, asks and spends counts as this
        vertex's, and what it shows and remembers is stored with the step of this vertex that is called `call_id`."""
        inner = copy(self)
        inner.surroundings = surroundings
        inner.scope = f"{self.scope}{call_id}/"
        inner.recorded, inner.messages, inner._called = [], [], {}
        inner._abandoned = (*self._abandoned, Flag())
        self._called[call_id] = inner
        return inner

    def kept(self, name: str) -> Json:
        """What a step of this build led to, in this pass or an earlier one; None when it was not done yet."""
        return self._visit.kept.get(self.scope + name)

    def keep(self, name: str, content: Json, events: Sequence[Event] = (), *, durable: bool = False) -> None:
        """Stores a step that is done, and must not be done again, behind some milestones. `name` tells it from the
        other steps of this build; once it is finished, they go. What is not `durable` may be lost with the machine, but
        not with the process. Price: a transaction."""
        checkpoint = Checkpoint(self._visit.vertex_id, self._visit.number, self.scope + name, content)
        called = self._called.pop(name, None)
        told, messages = (called.recorded, called.messages) if called else ((), ())
        self._journal.keep(Step(checkpoint, [*told, *events], messages, self.spending.take(), durable))

    def spend(self, usage: Usage) -> None:
        """Counts what a model call has cost."""
        self.spending.add(usage)

    def may_call_model(self) -> bool:
        """Whether another model call may be made. A person is asked when the run's tokens are used up: this then ends
        the build as `ask` does. False when it is to finish with what is there. Raises `BudgetUsedUp`."""
        budget = self.tools.budget
        while (limit := budget.used_up) is not None:
            if budget.is_to_finish:
                return False
            # It stands for the whole run, in whichever call it is asked.
            budget.decide(limit, self._visit.dialogue.decision_on(over_budget(limit)))
        return True

    def ask(self, request: HumanRequest) -> Decision:
        """The decision of a person. Until it is there this does not return: the build ends here, and begins again from
        its start when somebody has decided. A component that is built `once` asks before it acts.

        A decision stands for exactly what was asked: asked for anything else, the person is asked again.
        """
        return self._visit.dialogue.decision_on(replace(request, call=self.scope.rstrip("/")))

    def message_id(self, vertex_id: str | None = None) -> str:
        """The id of the chat message that a vertex shows. Every pass finds the same one."""
        visit = self._visit.visit_of(vertex_id) if vertex_id else self.visit
        own = f"{self.vertex_id}:{visit}" if not self.scope else f"{self.vertex_id}:{visit}:{self.scope}"
        return str(uuid5(UUID(self.run.job_id), f"{vertex_id}:{visit}" if vertex_id else own))

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
        self.announce([self.opened(message, vertex_id)])
        return self.message_id(vertex_id)

    def opened(self, message: Message, vertex_id: str) -> Event:
        """What shows an open message as it stands now; the tokens that follow go on behind its text."""
        record = self.record(message, vertex_id, "partial")
        self._written[record.id] = len(message.text)
        return add_message(record)

    def announce(self, events: Sequence[Event]) -> None:
        """Stores milestones at once."""
        self._journal.announce(events)

    def token(self, chunk: str, message_id: str) -> None:
        """Sends one more piece of an open message to whoever is watching."""
        at = self._written.get(message_id, 0)
        self._written[message_id] = at + len(chunk)
        self._journal.delta(token(chunk, message_id, at))

    def log(self, text: str, name: str = "log") -> None:
        """Sends a line to whoever is watching; it is not stored."""
        self._journal.delta(log(self.vertex_id, name, text))

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Tells whoever is watching how far it is, in any one unit; it is not stored."""
        amount = f"{done:g}" if total is None else f"{done:g}/{total:g}"
        self.log(f"{amount} {text}".rstrip(), "progress")

    def record(self, message: Message, vertex_id: str | None = None, state: str = "complete") -> MessageRecord:
        """The chat message that a message is, or would be if it were shown."""
        return MessageRecord(
            id=self.message_id(vertex_id),
            job_id=self.run.job_id,
            flow_id=self.run.flow_id,
            created_at=self.tools.clock.now(),
            message=message,
            state=state,
            content_blocks=message.content_blocks,
        )
