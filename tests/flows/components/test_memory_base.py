"""MemoryBase (Memory Base): what of the session's memory answers a question."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from flows.definition import flow_data
from flows.errors import VertexFailed
from flows.graph import Graph
from flows.memory import EVERYBODY, MAX_MESSAGES
from flows.values import Table
from tests.flows.components.producing import produce
from tests.flows.remembering import Session, remembering, says
from tests.flows.running import RecordingJournal, request, run
from tests.flows.shared import shared
from tests.making import edge, flow, node
from tests.shapes import FLAG, PLAIN, TEXT, Exported, Shape

SHAPE = Shape(
    "Memory Base",
    {
        "memory_base": PLAIN | {"value": None},
        "search_query": TEXT,
        "top_k": {"type": "int", "value": 5},
        "include_metadata": FLAG,
        "filter_by_session": FLAG,
    },
    {"retrieve_data": ["Table"]},
)


def session() -> Session:
    return Session(says("The cat is called Tom"), says("A nice name", "Machine", "AI"), says("The dog has no name"))


def searched(said: Session | None = None, **fields: Any) -> RecordingJournal:
    return produce(node("MemoryBase", "b", shape=SHAPE, **fields), borrowed=remembering(said or session()))


def found(**fields: Any) -> Table:
    table = searched(**fields).outputs("b")["retrieve_data"]
    assert isinstance(table, Table)
    return table


def test_messages_that_share_words_are_found_with_what_stands_beside_them() -> None:
    [row] = found(search_query="What is the cat's name?", top_k=1).records()
    score = row.pop("_score")
    assert isinstance(score, float)
    assert score > 0
    assert row == {
        "content": "The cat is called Tom",
        "session_id": "s2",
        "sender": "User",
        "sender_name": "Ann",
        "timestamp": "2026-11-22 17:50:11.274457 UTC",
    }


def test_the_best_come_first() -> None:
    assert [row[0] for row in found(search_query="the dog's name").rows] == [
        "The dog has no name",
        "A nice name",
        "The cat is called Tom",
    ]


def test_what_stands_beside_them_may_be_left_out() -> None:
    table = found(search_query="Tom", include_metadata=False)
    assert (table.columns, [row[0] for row in table.rows]) == (("content", "_score"), ["The cat is called Tom"])


@pytest.mark.parametrize("question", ["", "  ", "zebra", "?"])
def test_a_question_that_nothing_answers_finds_nothing(question: str) -> None:
    assert found(search_query=question).rows == ()


def test_the_whole_session_is_searched_and_no_other() -> None:
    """Whatever `filter_by_session` and the name of a memory base say: a run reads its own session only (I9)."""
    said = session()
    searched(said, search_query="Tom", filter_by_session=False, memory_base="test MB")
    assert said.asked == [(MAX_MESSAGES, EVERYBODY)]


@pytest.mark.parametrize("top_k", [0, -1, 101, "few"])
def test_a_number_of_results_that_cannot_be_fails(top_k: Any) -> None:
    with pytest.raises(VertexFailed, match=r"`top_k` must lie between 1 and 100|field 'top_k'"):
        found(search_query="Tom", top_k=top_k)


def from_starter(name: str) -> Exported:
    """The memory base of a starter project, with the output that the editor shows when it is no tool."""
    nodes = flow_data(json.loads(shared("starter_flows", name).read_text()))["nodes"]
    [exported] = [one for one in nodes if one["data"]["type"] == "MemoryBase"]
    exported["data"]["node"]["outputs"] = [{"name": "retrieve_data", "types": ["Table"]}]
    return dict(exported)


@pytest.mark.parametrize(
    "name",
    ["custom_component_generator.json", "meeting_summary.json", "memory_chatbot.json", "price_deal_finder.json"],
)
def test_a_memory_base_of_a_starter_project_answers_in_a_flow(load: Callable[[Exported], Graph], name: str) -> None:
    asked, base, answered = node("ChatInput", "i"), from_starter(name), node("ChatOutput", "o")
    parser = node("ParserComponent", "p", pattern="{sender_name} said: {content}")
    edges = [
        edge(asked, "message", base, "search_query"),
        edge(base, "retrieve_data", parser, "input_data"),
        edge(parser, "parsed_text", answered, "input_value"),
    ]
    graph = load(flow([asked, base, parser, answered], edges))
    [_, answer] = run(graph, request("Who is Tom?"), remembering(session())).messages
    assert answer.message.text == "Ann said: The cat is called Tom"
