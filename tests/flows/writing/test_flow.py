"""flows/writing: a flow that is written in Python is checked at every step, and put out as an export."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

import flows.components
from flows.definition import parse_definition
from flows.errors import FlowError, FlowRefused
from flows.graph import load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.secrets import redacted
from flows.values import Message
from flows.writing.flow import Flow
from flows.writing.node import Node, Variable
from tests.flows.running import build, request, tools
from tests.making import edge, node

REGISTRY = Registry(discover(flows.components))


@pytest.fixture
def flow() -> Flow:
    return Flow("Made", REGISTRY)


def exported(flow: Flow, id: str) -> dict[str, Any]:
    """One node of the export, as the editor describes it."""
    [found] = [node["data"]["node"] for node in flow.export()["data"]["nodes"] if node["id"] == id]
    return dict(found)


def test_a_written_flow_runs(flow: Flow) -> None:
    """Values, variables and outputs reach the fields that they were given to."""
    asked = flow.add("ChatInput")
    said = flow.add("Prompt", template="{greeting}, {who}. {what}", greeting="Good day", who=Variable("NAME"))
    flow.connect(asked["message"], said["what"])
    flow.add("ChatOutput", "shown", input_value=said["prompt"])
    graph = load_graph(flow.export()["data"], REGISTRY, Limits())
    journal = asyncio.run(build(graph, borrowed=tools({"NAME": "Ann"})))
    shown = journal.outputs("shown")["message"]
    assert isinstance(shown, Message)
    assert shown.text == "Good day, Ann. hello"


def test_nodes_are_called_by_their_type_and_a_number(flow: Flow) -> None:
    """The same calls write the same bytes; an id of one's own is kept."""
    assert [flow.add(type).id for type in ("Prompt Template", "ChatInput", "Prompt Template")] == [
        "PromptTemplate-1", "ChatInput-1", "PromptTemplate-2",
    ]  # fmt: skip
    assert flow.add("ChatInput", "mine").id == "mine"
    assert json.dumps(flow.drawn()) == json.dumps(flow.drawn())


def test_branches_meet_in_one_field(flow: Flow) -> None:
    either = flow.add("ConditionalRouter", input_text="yes", match_text="yes")
    end = flow.add("ChatOutput", input_value=[either["true_result"], either["false_result"]])
    ends = [(edge.source_handle.name, edge.target) for edge in parse_definition(flow.export()["data"]).edges]
    assert ends == [("true_result", end.id), ("false_result", end.id)]


def test_outputs_follow_the_fields(flow: Flow) -> None:
    """The branches of a Human Input are its choices."""
    person = flow.add("HumanInput", decisions=["Go on", "Wait"], enable_fallback=True)
    assert list(person.ports) == ["branch_go_on", "branch_wait", "branch_fallback", "values"]


def test_an_edge_is_written_as_the_editor_writes_it(flow: Flow) -> None:
    """Ends and handles, and the handles once more as strings (contract 7.2)."""
    asked = flow.add("ChatInput")
    flow.add("Pass", input_message=asked["message"])
    [written] = flow.export()["data"]["edges"]
    drawn = edge(node("ChatInput", "ChatInput-1"), "message", node("Pass", "Pass-1"), "input_message")
    assert (written["source"], written["target"]) == ("ChatInput-1", "Pass-1")
    assert written["data"]["sourceHandle"] == drawn["data"]["sourceHandle"]
    assert written["data"]["targetHandle"].keys() == drawn["data"]["targetHandle"].keys()
    for handle in ("sourceHandle", "targetHandle"):
        assert json.loads(written[handle].replace("œ", '"')) == written["data"][handle]


def test_the_variables_of_a_prompt_are_fields_of_their_own(flow: Flow) -> None:
    flow.add("Prompt", "p", template="{who}", who="Ann")
    assert exported(flow, "p")["custom_fields"] == {"template": ["who"]}
    assert exported(flow, "p")["template"]["who"]["value"] == "Ann"


def test_a_secret_is_a_password_field_and_a_variable_only_its_name(flow: Flow) -> None:
    """What is written down in clear is at least shown to nobody else."""
    flow.add("LanguageModelComponent", "a", api_key="canary")
    flow.add("LanguageModelComponent", "b", api_key=Variable("OPENAI_API_KEY"))
    assert "canary" not in json.dumps(redacted(flow.export()["data"]))
    field = exported(flow, "b")["template"]["api_key"]
    assert (field["value"], field["load_from_db"], field["password"]) == ("OPENAI_API_KEY", True, True)


def test_a_tool_has_one_output_and_says_what_agents_fill_in(flow: Flow) -> None:
    """Without `arguments` it is the first field that takes text; the rows of `tools_metadata` are kept as they are."""
    row = {"name": "calculate", "description": "Calculates.", "approval_actions": ["approve", "reject"]}
    flow.add("CalculatorComponent", "c", tool_mode=True, tools_metadata=[row])
    flow.add("UnifiedWebSearch", "s", tool_mode=True, arguments=["query", "topic"])
    calculator, search = exported(flow, "c"), exported(flow, "s")
    assert [(output["name"], output["types"]) for output in calculator["outputs"]] == [("component_as_tool", ["Tool"])]
    assert calculator["tool_mode"]
    assert calculator["template"]["tools_metadata"]["value"] == [row]
    filled = [name for name, field in search["template"].items() if isinstance(field, dict) and field.get("tool_mode")]
    assert filled == ["query", "topic"]
    [action] = load_graph(flow.export()["data"], REGISTRY, Limits()).vertices["c"].actions
    assert (action.name, action.description) == ("calculate", "Calculates.")


def test_what_an_agent_fills_in_need_not_be_filled(flow: Flow) -> None:
    flow.add("ParserComponent", tool_mode=True, arguments=["input_data"])
    flow.export()


def test_an_edge_leads_back_into_a_loop(flow: Flow) -> None:
    """It ends at the output of the loop that gives the items, whatever it brings (contract 7.2)."""
    chunks = flow.add(
        "SplitText", data_inputs=flow.add("ChatInput")["message"], separator=" ", chunk_size=1, chunk_overlap=0
    )
    loop = flow.add("LoopComponent", data=chunks["dataframe"])
    line = flow.add("ParserComponent", input_data=loop["item"], pattern="<{text}>")
    flow.connect(line["parsed_text"], loop["item"])
    shown = flow.add("ChatOutput", "shown", input_value=loop["done"])
    graph = load_graph(flow.export()["data"], REGISTRY, Limits())
    assert [edge.target for edge in graph.edges if edge.target_handle.loops] == [loop.id]
    message = asyncio.run(build(graph, asked=request("a b"))).outputs(shown.id)["message"]
    assert isinstance(message, Message)
    assert "<a>" in message.text
    assert "<b>" in message.text


Mistake = Callable[[Flow, Node], object]

MISTAKES: dict[str, tuple[Mistake, str]] = {
    "type": (lambda flow, asked: flow.add("ChatOutptu"), "There is no component type 'ChatOutptu'. Did you mean ChatO"),
    "strange type": (lambda flow, asked: flow.add("Zebra"), "There is no component type 'Zebra'."),
    "id": (lambda flow, asked: flow.add("ChatOutput", "in"), "Two nodes have the id 'in'."),
    "field": (
        lambda flow, asked: flow.add("TextInput", input_valu="x"),
        "TextInput-1 (TextInput) has no field 'input_valu'. Did you mean input_value? It has: input_value.",
    ),
    "value": (
        lambda flow, asked: flow.add("SplitText", chunk_size="many"),
        "SplitText-1.chunk_size: Input should be a valid integer",
    ),
    "no json": (lambda flow, asked: flow.add("Pass", input_message={"a": object()}), "Pass-1.input_message.a: a value"),
    "place": (
        lambda flow, asked: asked["mesage"],
        "in (ChatInput) has no output and no field 'mesage'. Did you mean message? Outputs: message. Fields: input_val",
    ),
    "output": (
        lambda flow, asked: flow.add("ChatOutput", input_value=asked["input_value"]),
        "in (ChatInput) has no output 'input_value'. It has: message.",
    ),
    "output as field": (
        lambda flow, asked: flow.connect(asked["message"], flow.add("ChatOutput")["message"]),
        "ChatOutput-1 (ChatOutput) has no field 'message'. It has: input_value",
    ),
    "value only": (
        lambda flow, asked: flow.add("ChatOutput", sender=asked["message"]),
        "ChatOutput-1.sender takes no edge, only a value.",
    ),
    "port types": (
        lambda flow, asked: flow.add("LanguageModelComponent", model=asked["message"]),
        "in.message gives Message, and LanguageModelComponent-1.model takes LanguageModel.",
    ),
    "edge twice": (
        lambda flow, asked: flow.add("ChatOutput", input_value=[asked["message"], asked["message"]]),
        "There is an edge from in.message to ChatOutput-1.input_value already.",
    ),
    "mixed": (
        lambda flow, asked: flow.add("ChatOutput", input_value=[asked["message"], "x"]),
        "A field is given outputs or values, not both.",
    ),
    "other flow": (
        lambda flow, asked: Flow("Other", REGISTRY).add("ChatOutput", input_value=asked["message"]),
        "in.message belongs to another flow.",
    ),
    "argument": (
        lambda flow, asked: flow.add("CalculatorComponent", tool_mode=True, arguments=["x"]),
        "CalculatorComponent-1 (CalculatorComponent) has no field 'x'. It has: expression.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_where_it_is_written(flow: Flow, name: str) -> None:
    """The message names the node, what is wrong and what there is; and the flow stays as it was."""
    make, said = MISTAKES[name]
    asked = flow.add("ChatInput", "in")
    before = {node["id"] for node in flow.drawn()["nodes"]}
    with pytest.raises(FlowError, match=f"^{re.escape(said)}"):
        make(flow, asked)
    expected = before | {"ChatOutput-1"} if name == "output as field" else before
    assert {node["id"] for node in flow.drawn()["nodes"]} == expected
    assert flow.drawn()["edges"] == []


def test_a_field_that_needs_something_is_named(flow: Flow) -> None:
    flow.add("ChatOutput")
    with pytest.raises(
        FlowRefused, match=r"^ChatOutput-1 \(ChatOutput\) needs 'input_value': give it a value or an edge"
    ):
        flow.export()


def test_a_flow_that_cannot_run_is_not_put_out(flow: Flow) -> None:
    """As the service would refuse it: without nodes, and with a cycle that no loop closes."""
    with pytest.raises(FlowRefused, match="no nodes"):
        flow.export()
    first = flow.add("Pass")
    second = flow.add("Pass", input_message=first["output_message"])
    flow.connect(second["output_message"], first["input_message"])
    with pytest.raises(FlowRefused, match="cycle"):
        flow.export()
