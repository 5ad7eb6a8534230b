"""Stored flows in memory, that the vertices of a run may run."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import flows.components
from flows.component import AnyComponent, Outputs
from flows.context import VertexContext
from flows.execution.engine import Engine, Progress
from flows.graph import Graph, load_graph
from flows.library import FlowUnavailable, StoredFlow
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.run import RunTools
from flows.values import Message
from tests.flows.asking import QUESTION, Interview
from tests.flows.looping import WIDE, loop_flow, read
from tests.flows.running import STEADY, RecordingJournal, request, tools
from tests.flows.steps import PATIENCE, StepFields
from tests.making import edge, flow, node
from tests.shapes import PLAIN, TEXT, Exported, Shape


@dataclass
class Shelf:
    """The `FlowLibrary` of a test: graphs by id, which is their name too, each with its variables."""

    graphs: dict[str, Graph]
    variables: Mapping[str, Callable[[str], str | None]]
    versions: dict[tuple[str, str], Graph]
    given: Mapping[str, bool] = field(default_factory=dict)
    """How far the flows are for whoever runs them, by the names that `StoredFlow` has for it."""

    async def find(self, flow_id: str, name: str) -> StoredFlow:
        found = flow_id if flow_id in self.graphs else name
        if found not in self.graphs:
            raise FlowUnavailable(name or flow_id)
        version_id = str(id(self.graphs[found]))
        self.versions[found, version_id] = self.graphs[found]
        return self._stored(found, version_id)

    async def again(self, flow_id: str, version_id: str) -> StoredFlow:
        return self._stored(flow_id, version_id)

    def _stored(self, flow_id: str, version_id: str) -> StoredFlow:
        variable = self.variables.get(flow_id, lambda name: None)
        return StoredFlow(
            flow_id, version_id, flow_id, self.versions[flow_id, version_id], variable, self, **self.given
        )


def graph_of(exported: Exported, kinds: Sequence[type[AnyComponent]] = ()) -> Graph:
    return load_graph(exported, Registry([*discover(flows.components), *kinds]), Limits())


def shelf(stored: Mapping[str, Exported], kinds: Sequence[type[AnyComponent]] = (), **variables: str) -> Shelf:
    """Some flows by name, each with the same variables."""
    return Shelf({name: graph_of(one, kinds) for name, one in stored.items()}, dict.fromkeys(stored, variables.get), {})


def run_flow(id: str, flow: str, fields: Sequence[str] = (), outputs: Sequence[str] = (), **values: str) -> Exported:
    """A node that runs a stored flow, with the fields and outputs that the editor gives it for that one."""
    shape = Shape(
        "Run Flow",
        {
            "flow_name_selected": PLAIN | {"value": flow},
            "flow_id_selected": PLAIN | {"show": False},
            "session_id": TEXT,
            **dict.fromkeys(fields, TEXT),
        },
        {output: ["Message", "Data", "DataFrame"] for output in outputs},
    )
    return node("RunFlow", id, shape=shape, **values)


def go_through(
    graph: Graph,
    shelf: Shelf,
    journal: RecordingJournal,
    variables: Mapping[str, str] | None = None,
    borrowed: RunTools | None = None,
) -> Progress:
    """One pass over a graph, from what is finished."""
    dialogues = journal.dialogues if isinstance(journal, Interview) else None
    borrowed = replace(borrowed or tools(variables), flows=shelf)
    engine = Engine(graph, request(), borrowed, journal, STEADY, dialogues, journal.stored_checkpoints)

    async def passed() -> Progress:
        try:
            return await engine.run(engine.restore(list(journal.results)))
        finally:
            await borrowed.outbound.close()

    return asyncio.run(asyncio.wait_for(passed(), PATIENCE))


async def tell(inputs: StepFields, context: VertexContext) -> Outputs:
    text = Message(f"{context.vertex_id.rpartition('/')[-1]}({read(inputs)})")
    return {"left": text, "right": [{"n": 1}, {"n": 2}]}


def around(runs: Exported, field: str = "", output: str = "") -> Exported:
    """in → the node → out, each edge only when its end is named."""
    first, last = node("Step", "in", shape=WIDE), node("Step", "out", shape=WIDE)
    edges = [edge(first, "left", runs, field)] if field else []
    edges += [edge(runs, output, last, "x")] if output else []
    return flow([*([first] if field else []), runs, *([last] if output else [])], edges)


def inside(*texts: str) -> dict[str, Exported]:
    """A stored flow `steps` of steps."""
    return {"steps": loop_flow(*texts, loops=["loop"])}


def asks_of(context: VertexContext) -> Message:
    return Message(f"{context.vertex_id.rpartition('/')[-1]} {context.ask(QUESTION).action_id}")


async def ask(inputs: StepFields, context: VertexContext) -> Outputs:
    if context.vertex_id.endswith(("asks", "too")):
        return {"left": asks_of(context)}
    return await tell(inputs, context)
