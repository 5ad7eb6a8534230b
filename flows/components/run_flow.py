"""RunFlow: another stored flow, as a vertex of this one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import ConfigDict

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.errors import FailedInside, FlowError, VertexTimedOut
from flows.execution.inner_run import InnerRun
from flows.graph import Graph
from flows.knowledge import NoKnowledge
from flows.library import StoredFlow
from flows.memory import NoMemory
from flows.run import RunRequest, RunTools
from flows.values import Json, LanguageModel, Tool, Value

MAX_DEPTH = 8
"""Flows inside each other at most (I10)."""
BETWEEN = "~"
"""Between the vertex of the other flow and its field or output, in the names of fields and outputs."""
ANSWER = "flow_output"
"""What answers an agent: the first output of the other flow."""
TOGETHER = "flow_tweak_data"
TAKES = ("ChatInput", "TextInput")
"""The types of vertex whose fields may be filled in from outside; nothing else of the other flow can be changed."""
SAID = ("input_value", "files")
"""The fields of a `ChatInput` by which something is said to a flow, as a request does."""
FLOW = "flow"
"""The checkpoint that says which version runs."""


class RunFlowFields(Inputs):
    """Its other fields are `<vertex>~<field>` of the other flow's inputs."""

    model_config = ConfigDict(extra="allow", frozen=True, arbitrary_types_allowed=True)

    flow_name_selected: Text = ""
    flow_id_selected: Text = ""
    session_id: Text = ""

    @property
    def given(self) -> Mapping[str, Any]:
        """What the other flow is given. An agent may give all of it as one, as Langflow's tools take it."""
        fields = dict(self.model_extra or {})
        together = fields.pop(TOGETHER, None)
        return {**fields, **(together if isinstance(together, dict) else {})}


class RunFlow(Component[RunFlowFields]):
    """Runs another flow, in the version that is stored when it begins, and puts out what that does."""

    types = ("RunFlow",)
    inputs = RunFlowFields
    outputs: ClassVar = {ANSWER: Port(("Message", "Data", "DataFrame"))}
    runs_flow = True

    async def build(self, inputs: RunFlowFields, context: VertexContext) -> Outputs:
        found = await _find(inputs, context)
        request = _request(found, inputs, context.run)
        graph = filled_in(found, inputs.given)
        try:
            outputs = await InnerRun(context, graph).outputs(request, _tools(found, context.tools))
        except FlowError as failure:
            if request.is_told:
                raise
            raise _untold(failure, found, context) from failure
        return put_out(graph, outputs)


def filled_in(found: StoredFlow, fields: Mapping[str, Any]) -> Graph:
    """The graph with what its inputs are given. Raises `ValueError` for what is no input of it, or may not be one
    here."""
    graph: Graph = found.graph
    given: dict[str, dict[str, Json]] = {}
    for name, value in fields.items():
        vertex_id, between, field = name.partition(BETWEEN)
        if not between or value in (None, ""):
            continue
        vertex = graph.vertices.get(vertex_id)
        if vertex is None or vertex.node.type not in TAKES or field not in vertex.node.template:
            raise ValueError(f"the flow that is run has no input {name!r}. Select the flow again.")
        if not (found.takes_fields or (vertex.node.type == "ChatInput" and field in SAID)):
            if value == vertex.node.template[field].value:
                continue
            raise ValueError(f"{name!r} of the flow that is run may not be filled in by whoever may not change it.")
        given.setdefault(vertex_id, {})[field] = value
    return graph.with_overrides(given)


def put_out(graph: Graph, outputs: Mapping[str, Mapping[str, Value]]) -> Outputs:
    """What the vertices that show something, or that nothing follows, have put out; and the first of it."""
    ends = [id for id, vertex in graph.vertices.items() if vertex.component.is_output or graph.is_terminal(id)]
    ends.sort(key=lambda id: not graph.vertices[id].component.is_output)
    values = {
        f"{id}{BETWEEN}{name}": value
        for id in ends
        for name, value in outputs.get(id, {}).items()
        if not isinstance(value, LanguageModel | Tool)
    }
    return {**values, **({ANSWER: next(iter(values.values()))} if values else {})}


async def _find(inputs: RunFlowFields, context: VertexContext) -> StoredFlow:
    """The flow; a build that goes on has the version that it began with."""
    library = context.tools.flows
    kept = context.kept(FLOW)
    if isinstance(kept, dict):
        return await library.again(str(kept["flow_id"]), str(kept["version_id"]))
    # The editor hides the field with the id, and what is hidden does not reach a component as an input.
    flow_id = inputs.flow_id_selected or context.surroundings.field(context.vertex_id, "flow_id_selected") or ""
    if not (flow_id or inputs.flow_name_selected):
        raise ValueError("no flow is selected. Select one in the field Flow Name.")
    found = await library.find(flow_id, inputs.flow_name_selected)
    context.keep(FLOW, {"flow_id": found.flow_id, "version_id": found.version_id})
    return found


def _request(found: StoredFlow, inputs: RunFlowFields, around: RunRequest) -> RunRequest:
    """What is asked of the run inside."""
    within = (*around.within, around.flow_id)
    if found.flow_id in within:
        raise ValueError(f"{found.name!r} would run inside itself.")
    if len(within) > MAX_DEPTH:
        raise ValueError(f"{found.name!r} would be more than {MAX_DEPTH} flows deep inside others.")
    session_id, is_told = inputs.session_id or around.session_id, around.is_told and found.is_told
    return RunRequest(around.job_id, found.flow_id, session_id, "", within=within, is_told=is_told)


def _tools(found: StoredFlow, around: RunTools) -> RunTools:
    """What the run inside borrows: what the run around it does, but nothing that is not for the owner of its flow."""
    return replace(
        around,
        variable=found.variable,
        flows=found.library,
        knowledge=around.knowledge if found.is_own else NoKnowledge(),
        memory=around.memory if found.shares_session else NoMemory(),
    )


def _untold(failure: FlowError, found: StoredFlow, context: VertexContext) -> FlowError:
    """What is told instead of a failure to whoever may not see into the flow."""
    if isinstance(failure, VertexTimedOut):
        return VertexTimedOut(context.vertex_id, context.surroundings.display_name, failure.seconds)
    return FailedInside(found.name)
