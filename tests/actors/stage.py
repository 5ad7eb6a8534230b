"""A component whose builds do what the test says, and flows of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from flows.component import AnyComponent, Component, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.text import to_text
from flows.values import Message
from tests.making import TEXT, Exported, Shape, edge, flow, node

SHAPE = Shape("Scripted", {"input_value": TEXT}, {"text": ["Message"]})


@dataclass
class Stage:
    """What the `Scripted` vertices of a test do when they are built, by id, and which were, in that order.

    What an act returns is the vertex's output, unless it is None: then the vertex passes its input on.
    """

    acts: dict[str, Callable[[VertexContext], Awaitable[Any]]] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)


class ScriptedFields(Inputs):
    input_value: Any = ""


def scripted(stage: Stage) -> type[AnyComponent]:
    """The component of one stage."""

    class Scripted(Component[ScriptedFields]):
        types = ("Scripted",)
        inputs = ScriptedFields
        outputs: ClassVar = {"text": Port(("Message",))}

        async def build(self, inputs: ScriptedFields, context: VertexContext) -> Outputs:
            stage.built.append(context.vertex_id)
            act = stage.acts.get(context.vertex_id)
            output = await act(context) if act else None
            return {"text": Message(to_text(inputs.input_value)) if output is None else output}

    return Scripted


def scripted_flow(length: int) -> Exported:
    """ChatInput-a1 → Scripted-1 → … → Scripted-`length` → ChatOutput-b1."""
    parts = [node("Scripted", f"Scripted-{number}", shape=SHAPE) for number in range(1, length + 1)]
    nodes = [node("ChatInput", "ChatInput-a1"), *parts, node("ChatOutput", "ChatOutput-b1")]
    outputs = ["message", *["text"] * length]
    edges = [
        edge(source, output, target, "input_value")
        for (source, target), output in zip(pairwise(nodes), outputs, strict=True)
    ]
    return flow(nodes, edges)
