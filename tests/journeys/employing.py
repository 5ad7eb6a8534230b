"""A deployment whose agents ask a model that a test scripts, and call tools that a gate's ledger records."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.deployments import Deployment
from tests.flows.agents.hiring import AGENT, AS_TOOL
from tests.journeys.gated import Gate
from tests.making import edge, flow, node, template
from tests.reading import Client
from tests.scripted_models import Script, ScriptedModels
from tests.shapes import PLAIN, TEXT, Exported, Shape


@dataclass(frozen=True)
class Agency:
    """A Penstock of its own, and its model."""

    deployment: Deployment
    models: ScriptedModels

    def script(self, script: Script) -> None:
        """What the model says from now on."""
        self.models.requests.clear()
        self.models.script = script

    def crash(self) -> None:
        """Every process ends without a word, and is started again."""
        self.deployment.kill()
        self.deployment.start()

    def client(self) -> "closing[Client]":
        return closing(Client(self.deployment.url))


def tool(gate: Gate, id: str, *, kind: str = "Gated", approval: Sequence[str] = ()) -> Exported:
    """A gated step that an agent may call by its id; it answers what it is given."""
    row = {
        "name": id,
        "description": f"Says after you ({id}).",
        "args": {"input_value": {"type": "string"}},
        "status": True,
        "tags": [id],
        "approval_actions": list(approval),
    }
    fields = {
        "input_value": TEXT | {"tool_mode": True},
        "ledger": PLAIN,
        "gate": PLAIN,
        "tools_metadata": {"type": "tools", "value": [row]},
    }
    held = template(gate.step(id))
    values = {name: held[name]["value"] for name in ("ledger", "gate")}
    return node(kind, id, shape=Shape(kind, fields, AS_TOOL), **values)


def employed(*tools: Exported, **fields: Any) -> Exported:
    """ChatInput → Agent → ChatOutput, with tools."""
    asks, shows = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    agent = node("Agent", "Agent-1", shape=AGENT, **fields)
    edges = [edge(asks, "message", agent, "input_value"), edge(agent, "response", shows, "input_value")]
    return flow(
        [asks, agent, *tools, shows], [*edges, *(edge(one, "component_as_tool", agent, "tools") for one in tools)]
    )
