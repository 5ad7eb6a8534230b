"""examples/: flows in the whole export form that Langflow reads and that run here."""

import json
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import flows.components
from examples.writing import EXAMPLES
from flows.graph import load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.values import port_types
from penstock.exports import ECHO_ID
from penstock.writing import Flow
from tests.penstock.conftest import ROOT

COMPONENTS = ROOT.parent / "shared" / "components"
ADDED_FIELDS = {
    "HumanInput": {"form", "takes_text", "answerers"},
    "Agent": {"provider", "model_name", "base_url", "ollama_base_url"},
    "LanguageModelComponent": {"provider", "base_url"},
}
"""What Penstock adds to Langflow's types."""
NAMES = sorted(file.name for file in resources.files("examples").iterdir() if file.name.endswith(".json"))


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resources.files("examples").joinpath(name).read_text())
    return found


@pytest.fixture
def components() -> Path:
    """Langflow's own templates, beside the repository."""
    if not COMPONENTS.is_dir():
        reason = f"no folder {COMPONENTS.name} beside the repository"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return COMPONENTS


def test_each_has_its_own_id() -> None:
    """Ids and endpoint names never change: who calls an example calls it in every version."""
    assert {name: str(UUID(example(name)["id"])) for name in NAMES} == {
        "answer.json": "e7196c52-0d8f-4b3a-b527-48a1f6e9d503",
        "assistant.json": "f06b2d84-91e7-4c35-8ad2-6e53b7c019fa",
        "echo.json": ECHO_ID,
        "expense_form.json": "c65f0b82-94d3-47e1-a3c7-5f8e2d19b604",
        "refund_approval.json": "3b9e6d10-5f27-4c8a-90d4-e2a71c6b8f35",
        "router.json": "a2d84b17-63ce-4f05-8e19-7c5d90b3f602",
        "two_approvals.json": "8d41f7a3-2c96-4e5b-b8f0-1a6937c5d248",
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_run(name: str) -> None:
    graph = load_graph(example(name)["data"], Registry(discover(flows.components)), Limits())
    assert [graph.vertices[id].node.type for id in graph.terminals] == ["ChatOutput"]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_what_it_is(name: str) -> None:
    exported = example(name)
    assert exported["endpoint_name"] == f"example-{name.removesuffix('.json')}"
    assert exported["description"]
    assert "example" in exported["tags"]
    assert f"`{name}`" in resources.files("examples").joinpath("README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_of_a_handle_are_one(name: str) -> None:
    """The string of each handle is its object with other quotation marks (contract 7.2)."""
    for edge in example(name)["data"]["edges"]:
        for handle in ("sourceHandle", "targetHandle"):
            assert json.loads(edge[handle].replace("œ", '"')) == edge["data"][handle]


@pytest.mark.parametrize("name", NAMES)
def test_a_node_is_of_langflow_s_type(name: str, components: Path) -> None:
    """Its ports are Langflow's own, and its fields, which whatever Langflow lets lead into them may lead into; what
    Penstock adds to a type comes beside them, and no code travels with them."""
    for node in example(name)["data"]["nodes"]:
        kind, described = node["data"]["type"], node["data"]["node"]
        original = json.loads((components / f"{kind}.json").read_text())["node"]
        own = {*described["custom_fields"].get("template", ()), *ADDED_FIELDS.get(kind, ()), "tools_metadata"}
        for field in _fields(described).keys() - own:
            assert _leads_into(original["template"][field]) <= _leads_into(described["template"][field]), field
        assert _ports(described) == _ports_of(kind, described, original)
        assert described["template"]["code"]["value"] == ""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.__name__))
def test_a_file_is_what_its_function_writes(example: Callable[[], Flow], tmp_path: Path) -> None:
    """`make examples` changes nothing, byte for byte."""
    example().save(tmp_path / "written.json")
    kept = resources.files("examples").joinpath(f"{example.__name__}.json")
    assert (tmp_path / "written.json").read_bytes() == kept.read_bytes()


def test_every_file_is_written_by_a_function() -> None:
    assert {f"{example.__name__}.json" for example in EXAMPLES} == {*NAMES}


def _fields(node: dict[str, Any]) -> dict[str, Any]:
    return {name: field for name, field in node["template"].items() if name not in ("_type", "code")}


def _leads_into(field: dict[str, Any]) -> frozenset[str]:
    return port_types(tuple(field.get("input_types") or ()))


def _ports(node: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(output["name"], output["types"]) for output in node["outputs"]]


def _ports_of(kind: str, described: dict[str, Any], original: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The ports of Langflow's type; one port in tool mode."""
    if described["tool_mode"]:
        return [("component_as_tool", ["Tool"])]
    return _branches(described) if kind == "HumanInput" else _ports(original)


def _branches(node: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The ports of a Human Input: one for each choice (contract 4.1), and the values of its form."""
    labels = node["template"]["decisions"]["value"]
    branches = [(f"branch_{label.lower().replace(' ', '_')}", ["Message"]) for label in labels]
    return [*branches, ("values", ["Data", "JSON"])]
