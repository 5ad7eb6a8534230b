"""Components whose builds do what the test says, and flows of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import Event, Semaphore
from typing import Any, ClassVar

import flows.components
from flows.component import AnyComponent, Component, Effect, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.text import to_text
from flows.values import Message
from storage.errors import PassLost
from storage.graphs import Graphs
from storage.store import Store, StoreConfig, open_store
from tests.actors.workplace import PATIENCE
from tests.making import edge, flow, node
from tests.shapes import TEXT, Exported, Shape

KINDS = ("Scripted", "ScriptedOnce", "ScriptedPlain")
"""A coroutine, a coroutine that must not run twice, and a plain function."""
SHAPES = {kind: Shape(kind, {"input_value": TEXT}, {"text": ["Message"]}) for kind in KINDS}


@dataclass
class Stage:
    """What the scripted vertices of a test do when they are built, by id, and which were, in that order.

    What an act returns is the vertex's output, unless it is None: then the vertex passes its input on. The acts of
    `ScriptedPlain` are plain functions.
    """

    acts: dict[str, Callable[[VertexContext], Any]] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """The idempotency keys of the builds."""

    def enter(self, context: VertexContext) -> Callable[[VertexContext], Any] | None:
        """Writes a build down and tells what it is to do."""
        self.built.append(context.vertex_id)
        self.keys.append(context.idempotency_key)
        return self.acts.get(context.vertex_id)


class Gate:
    """An act that says that it began, and ends when it is opened.

    As a coroutine it awaits; `blocking` is one that blocks its loop, and `plain` is for a plain function.
    """

    def __init__(self, output: Message | None = None) -> None:
        self.began = Event()
        self.cancelled = Event()
        self.ended = Event()
        self._open = Event()
        self._output = output

    def open(self) -> None:
        self._open.set()

    async def __call__(self, context: VertexContext) -> Message | None:
        self.began.set()
        try:
            while not self._open.is_set():  # noqa: ASYNC110 - another thread opens it
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.ended.set()
        return self._output

    async def blocking(self, context: VertexContext) -> Message | None:
        return self.plain(context)

    def plain(self, context: VertexContext) -> Message | None:
        self.began.set()
        assert self._open.wait(PATIENCE)
        self.ended.set()
        return self._output


class Dies:
    """An act during which the worker is lost, the first times: without a word, as by kill -9. Later it passes on."""

    def __init__(self, times: int = 1) -> None:
        self.died = Semaphore(0)
        self._left = times

    async def __call__(self, context: VertexContext) -> None:
        if self._left:
            self._left -= 1
            self.died.release()
            raise PassLost("The worker was killed.")


class ScriptedFields(Inputs):
    input_value: Any = ""


def scripted(stage: Stage) -> list[type[AnyComponent]]:
    """The components of one stage."""

    class Scripted(Component[ScriptedFields]):
        types = ("Scripted",)
        inputs = ScriptedFields
        outputs: ClassVar = {"text": Port(("Message",))}

        async def build(self, inputs: ScriptedFields, context: VertexContext) -> Outputs:
            act: Callable[[VertexContext], Awaitable[Any]] | None = stage.enter(context)
            return _outputs(inputs, await act(context) if act else None)

    class ScriptedOnce(Scripted):
        types = ("ScriptedOnce",)
        effect = Effect.ONCE

    class ScriptedPlain(Component[ScriptedFields]):
        types = ("ScriptedPlain",)
        inputs = ScriptedFields
        outputs: ClassVar = {"text": Port(("Message",))}

        def build(self, inputs: ScriptedFields, context: VertexContext) -> Outputs:
            act = stage.enter(context)
            return _outputs(inputs, act(context) if act else None)

    return [Scripted, ScriptedOnce, ScriptedPlain]


def open_staged(config: StoreConfig, stage: Stage) -> Store:
    """The store of a process that knows the components of a stage, beside the built-in ones."""
    store = open_store(config)
    registry = Registry([*discover(flows.components), *scripted(stage)])
    return replace(store, registry=registry, graphs=Graphs(store.database, registry, Limits()))


def _outputs(inputs: ScriptedFields, output: Any) -> Outputs:
    return {"text": Message(to_text(inputs.input_value)) if output is None else output}


def scripted_flow(length: int) -> Exported:
    """ChatInput-a1 → Scripted-1 → … → Scripted-`length` → ChatOutput-b1."""
    return staged_flow(["Scripted"] * length)


def staged_flow(kinds: Sequence[str]) -> Exported:
    """ChatInput-a1 → one scripted vertex of each kind, as Scripted-1 → ScriptedOnce-2 → … → ChatOutput-b1."""
    parts = [node(kind, f"{kind}-{number}", shape=SHAPES[kind]) for number, kind in enumerate(kinds, 1)]
    nodes = [node("ChatInput", "ChatInput-a1"), *parts, node("ChatOutput", "ChatOutput-b1")]
    outputs = ["message", *["text"] * len(kinds)]
    edges = [
        edge(source, output, target, "input_value")
        for (source, target), output in zip(pairwise(nodes), outputs, strict=True)
    ]
    return flow(nodes, edges)


def forked_flow(width: int) -> Exported:
    """ChatInput-a1 → Scripted-1, …, Scripted-`width` side by side, each → its own ChatOutput."""
    asked = node("ChatInput", "ChatInput-a1")
    parts = [node("Scripted", f"Scripted-{number}", shape=SHAPES["Scripted"]) for number in range(1, width + 1)]
    shown = [node("ChatOutput", f"ChatOutput-{number}") for number in range(1, width + 1)]
    begun = [edge(asked, "message", part, "input_value") for part in parts]
    ended = [edge(part, "text", output, "input_value") for part, output in zip(parts, shown, strict=True)]
    return flow([asked, *parts, *shown], [*begun, *ended])
