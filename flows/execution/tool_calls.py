"""How a vertex that is a tool is called: it is built with the arguments in the place of its fields."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flows.component import AnyComponent, Inputs
from flows.context import VertexContext
from flows.definition import Edge
from flows.effects import Effect
from flows.execution.building import built
from flows.execution.inputs import InputsRefused, VariableLookup, gather, look_around
from flows.graph import Graph
from flows.surroundings import Surroundings
from flows.tools import Action, distinct
from flows.values import Json, Tool, Value


@dataclass(frozen=True)
class VertexCall:
    """The `PreparedCall` of a vertex."""

    component: AnyComponent
    inputs: Inputs
    surroundings: Surroundings
    output: str

    @property
    def effect(self) -> Effect:
        return self.component.effect_of(self.inputs)

    async def make(self, context: VertexContext, call_id: str) -> Value:
        outputs = await built(self.component, self.inputs, context.within(call_id, self.surroundings))
        return outputs.get(self.output)


@dataclass(frozen=True)
class GraphToolbox:
    """The `Toolbox` of a run: the vertices of its graph, fed by what their edges have brought."""

    graph: Graph
    outputs: Mapping[str, Mapping[str, Value]]
    """What has been built so far."""
    live_edges: Callable[[str], Sequence[Edge]]
    lookup: VariableLookup

    def actions(self, tools: Iterable[Tool]) -> Sequence[Action]:
        return distinct(action for tool in tools for action in self.graph.vertices[tool.vertex_id].actions)

    def prepare(self, action: Action, args: Mapping[str, Json]) -> VertexCall:
        unknown = sorted(args.keys() - action.schema["properties"].keys())
        if unknown:
            raise InputsRefused(f"{action.name} takes no {', '.join(unknown)}")
        missing = [name for name in action.schema.get("required", ()) if name not in args]
        if missing:
            raise InputsRefused(f"{action.name} needs {', '.join(missing)}")
        vertex = self.graph.vertices[action.vertex_id]
        edges = self.live_edges(vertex.id)
        inputs = gather(vertex, edges, self.outputs, self.lookup, args)
        around = replace(look_around(self.graph, vertex.id, edges, self.lookup), leads_to={action.output: ()})
        return VertexCall(vertex.component, inputs, around, action.output)
