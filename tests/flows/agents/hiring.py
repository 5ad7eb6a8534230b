"""An agent between a chat input and a chat output, with tools that keep a ledger of their own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pydantic_ai.models.openai  # noqa: F401 - it takes seconds, for which no test has to wait

import flows.agents.asking
import flows.components
from flows.component import Component, Effect, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.execution.engine import Engine, Progress
from flows.graph import Graph, load_graph
from flows.human import Decision
from flows.limits import Limits
from flows.models.defaults import ModelDefaults
from flows.registry import Registry, discover
from flows.run import RunTools
from flows.text import to_text
from flows.values import Message
from tests.flows.asking import QUESTION, Interview
from tests.flows.running import STEADY, request, tools
from tests.making import edge, flow, node
from tests.scripted_models import ScriptedModels
from tests.shapes import TEXT, Exported, Shape

PATIENCE = 60.0
"""Seconds until a test gives up: the libraries of providers take a while to be loaded."""

AGENT = Shape(
    "Agent",
    {
        "input_value": TEXT,
        "system_prompt": TEXT,
        "tools": {"type": "other", "value": "", "input_types": ["Tool"], "list": True},
        "model": {"type": "model", "value": "", "input_types": ["LanguageModel"]},
        "output_schema": {"type": "table", "value": []},
        "n_messages": {"type": "int", "value": 100},
        "max_iterations": {"type": "int", "value": 15},
        "add_calculator_tool": {"type": "bool", "value": False},
        "add_current_date_tool": {"type": "bool", "value": False},
        "format_instructions": TEXT,
    },
    {"response": ["Message"], "structured_response": ["Data", "JSON"]},
)
AS_TOOL = {"component_as_tool": ["Tool"]}


class DeedFields(Inputs):
    what: str | Message


@dataclass
class Deeds:
    """What the tools of a test have done, in order, and what happens before each is done."""

    done: list[str] = field(default_factory=list)
    before: Callable[[str], object] = lambda what: None
    keys: list[str] = field(default_factory=list)

    def component(
        self, kind: str, effect: Effect, *, asks: bool = False, remembers: bool = False
    ) -> type[Component[Any]]:
        """A component that does what it is told, when it `asks` as a person decides, and says so in the session when
        it `remembers`."""

        class Deed(Component[DeedFields]):
            types = (kind,)
            inputs = DeedFields
            outputs: ClassVar = {"said": Port(("Message",))}

            def build(deed, inputs: DeedFields, context: VertexContext) -> Outputs:  # noqa: N805 - self is the deeds
                decided = f", {context.ask(QUESTION).action_id}" if asks else ""
                what = to_text(inputs.what)
                self.before(what)
                self.done.append(what)
                self.keys.append(context.idempotency_key)
                said = Message(f"did {what}{decided}")
                if remembers:
                    context.remember(context.record(said))
                return {"said": said}

        Deed.effect = effect
        return Deed

    @property
    def components(self) -> list[type[Component[Any]]]:
        """Those of all kinds."""
        return [
            self.component("Deed", Effect.IDEMPOTENT),
            self.component("OnceDeed", Effect.ONCE),
            self.component("RememberingDeed", Effect.IDEMPOTENT, remembers=True),
            self.component("AskingDeed", Effect.IDEMPOTENT, asks=True),
            self.component("AskingOnceDeed", Effect.ONCE, asks=True),
        ]


def tool(id: str, kind: str = "Deed", *, name: str = "do", approval: Sequence[str] = ()) -> Exported:
    """A node that an agent may call, with one argument."""
    row = {
        "name": name,
        "description": f"Does what it is told ({id}).",
        "args": {"what": {"type": "string", "description": "What to do."}},
        "status": True,
        "tags": [name],
        "approval_actions": list(approval),
    }
    fields = {"what": TEXT | {"tool_mode": True}, "tools_metadata": {"type": "tools", "value": [row]}}
    return node(kind, id, shape=Shape(kind, fields, AS_TOOL))


def agent_tool(id: str, **fields: Any) -> Exported:
    """A node that is an agent, and a tool of another one by the name of its id."""
    row = {"name": id, "args": {"input_value": {"type": "string"}}, "tags": ["message_response"]}
    shape = Shape("Agent", {**AGENT.fields, "tools_metadata": {"type": "tools", "value": [row]}}, AS_TOOL)
    return node("Agent", id, shape=shape, system_prompt=id, **fields)


def agent_flow(*tooling: Exported, under: Mapping[str, Sequence[Exported]] | None = None, **fields: Any) -> Exported:
    """A chat input, an agent with tools, a chat output. Tools that are agents have those `under` their ids."""
    asks, shows = node("ChatInput", "in"), node("ChatOutput", "out")
    agent = node("Agent", "agent", shape=AGENT, **{"system_prompt": "agent", **fields})
    edges = [edge(asks, "message", agent, "input_value"), edge(agent, "response", shows, "input_value")]
    teams = {"agent": tooling, **(under or {})}
    nodes = {one["id"]: one for one in (agent, *(one for team in teams.values() for one in team))}
    edges += [edge(one, "component_as_tool", nodes[boss], "tools") for boss, team in teams.items() for one in team]
    return flow([asks, *nodes.values(), shows], edges)


@dataclass
class Employment:
    """A run of a flow with agents, in as many passes as it takes."""

    exported: Exported
    models: ScriptedModels
    deeds: Deeds = field(default_factory=Deeds)
    journal: Interview = field(default_factory=Interview)
    borrowed: Callable[[ModelDefaults], RunTools] = lambda defaults: tools(defaults=defaults)
    tweaks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Sequence[str] = ()

    @property
    def graph(self) -> Graph:
        registry = Registry([*discover(flows.components), *self.deeds.components])
        return load_graph(self.exported, registry, Limits()).with_overrides(self.tweaks)

    def go_through(self, *decisions: Decision) -> Progress:
        """Passes in which each question of the agent is decided on in turn, until nothing can go on."""
        progress = self.go_on()
        for decision in decisions:
            assert progress is Progress.WAITING
            self.journal.answer("agent", decision)
            progress = self.go_on()
        return progress

    def go_on(self) -> Progress:
        """One more pass, which knows what the passes before it have stored, and no more."""
        return asyncio.run(asyncio.wait_for(self._pass(), PATIENCE))

    async def _pass(self) -> Progress:
        borrowed = self.borrowed(ModelDefaults("stub-model", self.models.url))
        dialogues = self.journal.dialogues
        checkpoints = self.journal.stored_checkpoints
        engine = Engine(self.graph, request(files=self.files), borrowed, self.journal, STEADY, dialogues, checkpoints)
        self.journal.checkpoints = checkpoints
        try:
            return await engine.run(engine.restore(self.journal.results))
        finally:
            await borrowed.outbound.close()

    @property
    def answer(self) -> Message:
        """What the chat output shows."""
        value = self.journal.outputs("out")["message"]
        assert isinstance(value, Message)
        return value

    @property
    def tool_uses(self) -> list[Mapping[str, Any]]:
        """The calls as the answer's message shows them."""
        [block] = self.answer.content_blocks
        contents: Any = block["contents"]
        return [one for one in contents if one["type"] == "tool_use"]
