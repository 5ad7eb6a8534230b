"""flows/tool_metadata.py and flows/tools.py: which actions of a node an agent may call, and by what names."""

import json
from typing import Any

import pytest

import flows.components
from flows.deciding import Ruling
from flows.errors import FlowRefused
from flows.graph import Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.tools import MAX_ACTIONS, MAX_NAME, MAX_NUMBER, Action, distinct
from tests.flows.shared import component, from_palette, names, shared
from tests.making import flow, node, template
from tests.shapes import Exported, Shape

URLS = {"urls": {"type": "array", "items": {"type": "string"}, "description": "Where", "title": "URLs"}}
ROW = {"name": "fetch_content", "description": "Fetches.", "args": URLS, "status": True, "tags": ["fetch_content"]}


def loaded(exported: Exported) -> Graph:
    return load_graph(flow([exported]), Registry(discover(flows.components)), Limits())


def actions(exported: Exported) -> list[Action]:
    """The actions of a node that is a tool."""
    return loaded(exported).vertices["web"].actions


def web(rows: Any = None, **fields: Exported) -> Exported:
    """A URL component as a tool."""
    table = {} if rows is None else {"tools_metadata": {"type": "tools", "value": rows}}
    shape = Shape("URL", {"urls": {"type": "str", "list": True, "value": []}, **fields, **table}, {})
    exported = node("URLComponent", "web", shape=shape)
    exported["data"]["node"]["outputs"] = [{"name": "component_as_tool", "types": ["Tool"]}]
    return exported


def test_an_action_is_what_its_row_says() -> None:
    """Its arguments are required unless the row has a default for them; a tag names the output that answers."""
    with_default = {**URLS, "depth": {"type": "integer", "default": 1}}
    [action] = actions(web([ROW | {"args": with_default, "approval_actions": ["approve", "respond"]}]))
    assert (action.vertex_id, action.name, action.description) == ("web", "fetch_content", "Fetches.")
    assert action.schema == {"type": "object", "properties": with_default, "required": ["urls"]}
    assert action.output == "page_results"
    assert action.rulings == (Ruling.APPROVE, Ruling.RESPOND)


def test_a_row_that_is_switched_off_is_no_action() -> None:
    """A tool all of whose rows are switched off can do nothing."""
    assert [one.name for one in actions(web([ROW | {"status": False}, ROW | {"name": "other"}]))] == ["other"]
    assert actions(web([ROW | {"status": False}])) == []


@pytest.mark.parametrize("rows", [None, [], "", {}])
def test_without_rows_a_tool_does_what_its_component_does_first(rows: Any) -> None:
    """With the fields as arguments that the editor marks for it."""
    marked = {"type": "str", "list": True, "value": [], "tool_mode": True, "required": True, "info": "Where"}
    depth = {"type": "slider", "value": 1, "tool_mode": True}
    [action] = actions(web(rows, urls=marked, max_depth=depth))
    assert action.name == "fetch_content"
    assert action.schema["properties"]["urls"] == {"type": "array", "items": {"type": "string"}, "description": "Where"}
    assert action.schema["required"] == ["urls"]
    assert action.rulings == ()


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("fetch", "Input should be"),
        (["fetch"], "Input should be"),
        (5, "Input should be"),
        ([{"description": "no name"}], "name"),
        ([ROW | {"args": "urls"}], "args"),
        ([ROW | {"args": {"urls": "text"}}], "args.urls"),
        ([ROW | {"tags": "fetch"}], "tags"),
        ([ROW | {"approval_actions": ["shrug"]}], "approval_actions.0"),
        ([ROW | {"approval_actions": "approve"}], "approval_actions"),
        ([ROW | {"status": "perhaps"}], "status"),
    ],
)
def test_a_row_that_is_not_readable_is_refused_with_its_node(rows: Any, place: str) -> None:
    """Before anything runs: above all, an approval that is misspelt must not be none."""
    with pytest.raises(FlowRefused, match=place) as refused:
        loaded(web(rows))
    assert "'web'" in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ("Fetch Content", "Fetch_Content"),
        ("search.the/web!", "search_the_web"),
        ("größe", "gr_e"),
        ("x" * 100, "x" * MAX_NAME),
        ("…", "web"),
    ],
)
def test_a_name_that_providers_do_not_take_is_made_one(wanted: str, taken: str) -> None:
    """Letters, digits, `_` and `-`, of a bounded length; the node's id where nothing is left."""
    assert [one.name for one in actions(web([ROW | {"name": wanted}]))] == [taken]


def test_actions_of_one_name_get_numbers() -> None:
    """However long the name is, and whatever the others are called."""
    long = "x" * MAX_NAME
    named = [Action("v", name, "", {}, "out") for name in ("a", "a_2", "a", "a", long, long)]
    assert [one.name for one in distinct(named)] == [
        "a",
        "a_2",
        "a_3",
        "a_4",
        long,
        f"{'x' * (MAX_NAME - MAX_NUMBER)}_2",
    ]


def test_any_number_of_actions_may_have_one_name() -> None:
    """At a cost that grows with their number and no faster: a flow brings as many as it likes (I10)."""
    found = distinct([Action("v", name, "", {}, "out") for name in ("x" * MAX_NAME, "y" * MAX_NAME)] * 50_000)
    assert len({one.name for one in found}) == len(found)
    assert max(len(one.name) for one in found) == MAX_NAME


def test_a_vertex_has_so_many_actions_at_most() -> None:
    assert len(actions(web([ROW] * MAX_ACTIONS))) == MAX_ACTIONS
    with pytest.raises(FlowRefused, match="'web' has 101 actions; at most 100 are allowed"):
        loaded(web([ROW] * (MAX_ACTIONS + 1)))


@pytest.mark.parametrize("name", names("components"))
def test_a_component_of_the_palette_can_be_a_tool_when_it_is_known(name: str) -> None:
    """Every component that exists here has at least one action by a name that providers take."""
    exported = from_palette(name, "web")
    registry = Registry(discover(flows.components))
    kind = component(name)["type"]
    if registry.unknown([kind]):
        pytest.skip(f"{kind} does not exist here")
    exported["data"]["node"]["outputs"] = [{"name": "component_as_tool", "types": ["Tool"]}]
    template(exported).pop("tools_metadata", None)
    [action] = loaded(exported).vertices["web"].actions
    assert action.name.replace("_", "").replace("-", "").isalnum()
    assert action.output in registry.component(kind).outputs


def test_the_tools_of_the_starter_projects_answer_with_an_output_of_their_component() -> None:
    """No row of theirs is refused."""
    registry = Registry(discover(flows.components))
    seen = 0
    for name in names("starter_flows"):
        exported = component_file(name)
        for one in exported["nodes"]:
            data = one["data"]
            rows = (data.get("node", {}).get("template") or {}).get("tools_metadata", {}).get("value")
            if not rows or registry.unknown([data["type"]]):
                continue
            graph = load_graph({"nodes": [one], "edges": []}, registry, Limits())
            for action in graph.vertices[one["id"]].actions:
                assert action.output in registry.component(data["type"]).outputs
                seen += 1
    assert seen > 10


def component_file(name: str) -> Exported:
    """The `{nodes, edges}` of a starter project."""
    exported: Exported = json.loads(shared("starter_flows", name).read_text())["data"]
    return exported
