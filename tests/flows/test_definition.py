"""flows/definition.py: the export format of contract section 7."""

import copy
from typing import Any

import pytest

from flows.definition import Definition, TemplateField, flow_data, parse_definition
from flows.errors import FlowRefused
from tests.making import echo_flow, edge, export_file, flow, loop_edge, node, note, template
from tests.shapes import Exported


def field(**exported: Any) -> TemplateField:
    """One field as it stands in a parsed template."""
    sole = node("TextInput", "TextInput-1")
    template(sole)["input_value"] = exported
    return parse_definition(flow([sole])).nodes[0].template["input_value"]


def refusal(exported: object) -> str:
    with pytest.raises(FlowRefused) as caught:
        parse_definition(exported)
    return str(caught.value)


def test_nodes_keep_their_order_and_notes_are_dropped() -> None:
    definition = parse_definition(flow([note("n1"), node("ChatOutput", "b"), note("n2"), node("ChatInput", "a")]))
    assert [(read.id, read.type) for read in definition.nodes] == [("b", "ChatOutput"), ("a", "ChatInput")]


def test_a_malformed_note_harms_nobody() -> None:
    assert parse_definition({"nodes": [{"type": "noteNode"}, node("ChatInput", "a")]}).nodes[0].id == "a"


def test_outputs_come_with_their_port_types() -> None:
    [router] = parse_definition(flow([node("ConditionalRouter", "r")])).nodes
    assert [(port.name, port.types) for port in router.outputs] == [
        ("true_result", ("Message",)),
        ("false_result", ("Message",)),
    ]


def test_the_display_name_is_the_nodes_then_the_components_then_the_type() -> None:
    own, component, bare = node("Pass", "1"), node("Pass", "2", display_name="Gate"), node("Pass", "3")
    own["data"]["display_name"] = "Mine"
    del bare["data"]["node"]["display_name"]
    assert [read.display_name for read in parse_definition(flow([own, component, bare])).nodes] == [
        "Mine",
        "Gate",
        "Pass",
    ]


def _with_handles_in(form: str) -> Definition:
    exported = echo_flow()
    [only] = exported["edges"]
    if form == "strings":
        del only["data"]
    else:
        del only["sourceHandle"], only["targetHandle"]
    return parse_definition(exported)


def test_handle_objects_and_handle_strings_say_the_same() -> None:
    """The strings, JSON with `œ` for every quotation mark, serve edges that have no `data`."""
    assert _with_handles_in("strings") == _with_handles_in("objects")
    [only] = _with_handles_in("strings").edges
    assert (only.source, only.target) == ("ChatInput-a1", "ChatOutput-b1")
    assert (only.source_handle.name, only.source_handle.output_types) == ("message", ("Message",))
    assert (only.target_handle.name, only.target_handle.type, only.target_handle.loops) == (
        "input_value",
        "other",
        False,
    )


def test_handle_objects_stand_before_handle_strings() -> None:
    exported = echo_flow()
    exported["edges"][0]["sourceHandle"] = "{œnameœ: œanotherœ}"
    assert parse_definition(exported).edges[0].source_handle.name == "message"


def test_a_target_handle_with_a_name_for_a_field_name_leads_back_to_a_loop() -> None:
    asked, loop = node("ChatInput", "a"), node("Pass", "l")
    [back] = parse_definition(flow([asked, loop], [loop_edge(asked, "message", loop, "output_message")])).edges
    handle = back.target_handle
    assert (handle.loops, handle.name, handle.input_types) == (True, "output_message", ("Message",))


def test_a_null_is_as_good_as_an_absent_value() -> None:
    assert field(type="str", value=None, show=None, password=None, input_types=None) == TemplateField(type="str")
    exported = echo_flow()
    exported["edges"] = None
    assert parse_definition(exported).edges == ()


def test_what_the_editor_adds_is_ignored() -> None:
    plain, decorated = echo_flow(), echo_flow()
    decorated["viewport"] = {"x": 7}
    decorated["nodes"][0]["measured"] = {"width": 320}
    decorated["edges"][0]["animated"] = True
    template(decorated["nodes"][0])["input_value"]["placeholder"] = "Say something"
    assert parse_definition(decorated) == parse_definition(plain)


def test_template_entries_that_are_no_fields_are_ignored() -> None:
    [read] = parse_definition(flow([node("TextInput", "1")])).nodes
    assert "_type" not in read.template


@pytest.mark.parametrize(
    ("exported", "reaches"),
    [
        ({"type": "str"}, True),
        ({"type": "str", "show": False}, False),
        ({"type": "other"}, False),
        ({"type": "code"}, False),
        ({"type": "slider", "show": True}, True),
    ],
)
def test_hidden_code_and_edge_only_fields_do_not_reach_the_component(exported: Exported, reaches: bool) -> None:
    assert field(**exported, value="x").reaches_component is reaches


def test_a_field_keeps_what_it_says_of_variables_and_secrets() -> None:
    read = field(type="str", value="OPENAI_API_KEY", load_from_db=True, password=True, list=True)
    assert (read.value, read.load_from_db, read.password, read.list) == ("OPENAI_API_KEY", True, True, True)


def _broken(change: str) -> Exported:
    exported = copy.deepcopy(echo_flow())
    first, only = exported["nodes"][0], exported["edges"][0]
    match change:
        case "no id":
            del first["id"]
        case "no data":
            del first["data"]
        case "no type":
            del first["data"]["type"]
        case "no template":
            del first["data"]["node"]["template"]
        case "field type":
            template(first)["sender"]["type"] = 5
        case "edge is text":
            exported["edges"] = ["a-b"]
        case "edges is an object":
            exported["edges"] = {}
        case "no source":
            del only["source"]
        case "no handle":
            del only["data"]["sourceHandle"], only["sourceHandle"]
        case "unreadable handle":
            only["data"], only["targetHandle"] = None, "{œname"
        case "handle of numbers":
            only["data"]["targetHandle"] = {"fieldName": 1}
    return exported


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no id", "The flow is not readable at nodes.0.id: Field required."),
        ("no data", "The flow is not readable at nodes.0: the node's data must be an object."),
        ("no type", "The flow is not readable at nodes.0.type: Field required."),
        ("no template", "The flow is not readable at nodes.0: the template must be an object."),
        ("field type", "The flow is not readable at nodes.0.template.sender.type: Input should be a valid string."),
        ("edge is text", "The flow is not readable at edges.0: the edge must be an object."),
        ("edges is an object", "The flow is not readable at edges: `edges` must be a list."),
        ("no source", "The flow is not readable at edges.0.source: Field required."),
        ("no handle", "The flow is not readable at edges.0: the edge has no sourceHandle."),
        ("unreadable handle", "The flow is not readable at edges.0: the edge's targetHandle is not readable."),
        (
            "handle of numbers",
            "The flow is not readable at edges.0.target_handle.fieldName: Input should be a valid string.",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(change: str, message: str) -> None:
    assert refusal(_broken(change)) == message


@pytest.mark.parametrize("exported", [None, [], "flow", 5])
def test_a_flow_that_is_no_object_is_refused(exported: object) -> None:
    assert refusal(exported) == "The flow must be a JSON object with `nodes` and `edges`."


@pytest.mark.parametrize("exported", [{}, {"nodes": []}, {"nodes": None}])
def test_a_flow_without_nodes_is_refused(exported: object) -> None:
    assert refusal(exported) == "The flow has no nodes."


def test_the_flow_is_found_in_a_whole_export_and_in_its_data_alone() -> None:
    data = echo_flow()
    assert flow_data(export_file(data)) == data == flow_data(data)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "The flow must be a JSON object."),
        ({"data": []}, "The flow has no data: `data` must be an object with `nodes` and `edges`."),
    ],
)
def test_a_document_without_a_flow_is_refused(document: object, message: str) -> None:
    with pytest.raises(FlowRefused) as caught:
        flow_data(document)
    assert str(caught.value) == message


def test_parallel_edges_are_all_kept() -> None:
    asked, answered = node("ChatInput", "a"), node("ChatOutput", "b")
    twice = [edge(asked, "message", answered, "input_value")] * 2
    assert len(parse_definition(flow([asked, answered], twice)).edges) == 2
