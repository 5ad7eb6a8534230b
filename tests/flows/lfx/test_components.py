"""flows/lfx: components of Langflow that Penstock does not have run through the package lfx."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from flows.component import AnyComponent, Effect
from flows.errors import ComponentsRefused, UnknownComponents, VertexFailed
from flows.graph import Graph, load_graph
from flows.lfx.component import components_of_lfx
from flows.lfx.index import CODE, entries
from flows.limits import Limits
from flows.registry import Registry
from flows.values import Data, LanguageModel, Message, Table, Value
from flows.writing.flow import Flow
from penstock.trying import try_out
from storage.components import ComponentSources, find_components, load_registry
from tests.flows.running import build


def one(type: str) -> type[AnyComponent]:
    [component] = components_of_lfx([type])
    return component


def outputs(graph: Graph, id: str) -> Any:
    return asyncio.run(build(graph)).outputs(id)


def registry(*types: str) -> Registry:
    return load_registry(ComponentSources(lfx=types))


def test_a_component_of_lfx_takes_part_in_a_flow() -> None:
    """It is fed by a component of ours, and feeds one."""
    known = registry("CombineText")
    flow = Flow("Joined", known)
    asked = flow.add("ChatInput")
    joined = flow.add("CombineText", text1=asked["message"], text2="world", delimiter=", ")
    flow.add("ChatOutput", "shown", input_value=joined["combined_text"])
    shown = outputs(load_graph(flow.export()["data"], known, Limits()), "shown")["message"]
    assert shown.text == "hello, world"


def test_what_a_flow_brings_as_code_is_not_run() -> None:
    """The class is lfx's own, found by the type; the field `code` is never read."""
    known = registry("CombineText")
    flow = Flow("Joined", known)
    flow.add("CombineText", "joined", text1="a", text2="b", delimiter="-")
    data = flow.export()["data"]
    data["nodes"][0]["data"]["node"]["template"]["code"]["value"] = "raise SystemExit('the code of the flow was run')"
    assert outputs(load_graph(data, known, Limits()), "joined")["combined_text"].text == "a-b"


@pytest.mark.parametrize("name", sorted(CODE))
def test_a_type_that_runs_code_is_refused_by_name(name: str) -> None:
    with pytest.raises(ComponentsRefused, match=f"^PENSTOCK_LFX names {name}, which runs code"):
        components_of_lfx([name])
    assert name not in registry("*").types()


def test_what_lfx_itself_guards_as_running_code_is_among_them() -> None:
    from lfx.utils.flow_validation import is_code_execution_component  # type: ignore[import-not-found,unused-ignore]

    guarded = [entry.type for entry in entries(["*"]) if is_code_execution_component(entry.class_name, entry.type)]
    assert guarded == []


def test_a_type_that_nobody_knows_is_refused_by_name() -> None:
    """By the settings, and in a flow."""
    with pytest.raises(
        ComponentsRefused, match=r"^PENSTOCK_LFX names CombineTxt, which lfx .* Did you mean CombineText"
    ):
        components_of_lfx(["CombineTxt"])
    with pytest.raises(UnknownComponents, match=r"^Unknown component types: Zebra\.$"):
        registry("*").component("Zebra")


def test_only_what_is_named_runs_and_ours_come_first() -> None:
    assert set(registry("CombineText").types()) - set(registry().types()) == {"CombineText"}
    origins = {one.component.types[0]: one.origin for one in find_components(ComponentSources(lfx=("*",)))}
    assert origins["ChatInput"] == "penstock"
    assert origins["CombineText"].startswith("lfx 1.")


def test_what_nobody_has_looked_at_is_not_repeated() -> None:
    """A component of lfx is built `once`, unless it is known to calculate only."""
    effects = {component.types[0]: component.effect for component in components_of_lfx(["*"])}
    assert (effects["CombineText"], effects["WikipediaAPI"]) == (Effect.PURE, Effect.ONCE)


VALUES: Sequence[tuple[Value, str]] = [
    (Message("a", sender="User", sender_name="Ann", session_id="s"), "message"),
    (Data({"text": "a", "n": [1, None, {"b": 1.5}]}), "data"),
    (Table(("a", "b"), (("x", 1), ("y", None))), "dataframe"),
]


@pytest.mark.parametrize(("value", "kind"), VALUES, ids=["message", "data", "table"])
def test_a_value_crosses_over_and_comes_back(value: Value, kind: str) -> None:
    """As lfx's own class of that kind."""
    from flows.lfx.values import from_lfx, to_lfx

    crossed = to_lfx(value, "x")
    assert type(crossed).__module__ == f"lfx.schema.{kind}"
    assert from_lfx(crossed, "x") == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (LanguageModel("v", "m", "http://x"), "text1: a LanguageModel cannot be given to a component of lfx"),
        (Message("a", files=("f.png",)), "text1: a message with files cannot be given to a component of lfx"),
    ],
)
def test_a_value_that_cannot_cross_fails_its_vertex_by_name(value: Value, said: str) -> None:
    with pytest.raises(VertexFailed, match=said):
        try_out(one("CombineText"), text1=value, text2="b")


def test_an_output_without_a_codec_fails_its_vertex_by_name() -> None:
    """As a chunker's own object, a model or a tool."""
    with pytest.raises(VertexFailed, match="embeddings: a value of type FakeEmbeddings has no codec"):
        try_out(one("LangChainFakeEmbeddings"), dimensions=3)


def test_records_come_back_as_a_list() -> None:
    tried = try_out(one("RegexExtractorComponent"), input_text=Message("a1 b2"), pattern=r"[a-z]\d")
    assert tried.outputs == {"data": [{"match": "a1"}, {"match": "b2"}]}


def test_only_the_outputs_that_lead_somewhere_are_computed() -> None:
    known = registry("TypeConverterComponent")
    flow = Flow("Converted", known)
    asked = flow.add("ChatInput")
    made = flow.add("TypeConverterComponent", "made", input_data=asked["message"], output_type="JSON")
    flow.add("ParserComponent", input_data=made["data_output"], mode="Stringify")
    assert outputs(load_graph(flow.export()["data"], known, Limits()), "made").keys() == {"data_output"}


def test_an_error_of_lfx_fails_the_vertex_with_its_words() -> None:
    with pytest.raises(VertexFailed, match="Error building"):
        try_out(one("SelectData"), data_list=[Data({"a": 1})], data_index=7)


ALONE = """
import structlog
from flows.lfx.component import load_class
from flows.lfx.index import entries

before = structlog.get_config()
load_class(*entries(["CombineText"]))
assert structlog.get_config() == before
"""


def test_importing_lfx_leaves_our_logging_alone() -> None:
    """In a process that has not imported it before."""
    ended = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
