"""Structured answers: the records that an agent fills in, and what it says where it fills in none."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.values import Data, Json
from tests.flows.agents.conversations import by_turn, calls, told, writes, writes_all
from tests.flows.agents.hiring import AGENT, Employment, tool
from tests.making import edge, flow, node
from tests.model_wires import OPENAI
from tests.scripted_models import Act, ScriptedModels
from tests.shapes import Exported

SCHEMA = [
    {"name": "city", "description": "Which", "type": "str", "multiple": "False"},
    {"name": "people", "description": "How many", "type": "int", "multiple": False},
]
ROME: dict[str, Json] = {"city": "Rome", "people": 3}
OSLO: dict[str, Json] = {"city": "Oslo", "people": 1}


def structured_flow(*tooling: Exported, in_words: bool = False, **fields: Any) -> Exported:
    """An agent whose record goes to a parser, and its answer in words, when that is wanted, to a chat output."""
    asks, agent = node("ChatInput", "in"), node("Agent", "agent", shape=AGENT, **fields)
    parser, shows = node("ParserComponent", "parser", pattern="{city}"), node("ChatOutput", "out")
    edges = [edge(asks, "message", agent, "input_value"), edge(agent, "structured_response", parser, "input_data")]
    edges += [edge(one, "component_as_tool", agent, "tools") for one in tooling]
    edges += [edge(agent, "response", shows, "input_value")] if in_words else []
    return flow([asks, agent, parser, *tooling, *([shows] if in_words else [])], edges)


def record(run: Employment) -> Data:
    """The structured answer."""
    value = run.journal.outputs("agent")["structured_response"]
    assert isinstance(value, Data)
    return value


def answers(*records: Mapping[str, Any], name: str = "answer") -> Act:
    """A turn that fills in records."""
    return writes(name, json.dumps({"results": records}))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (answers(ROME), ROME),
        (answers(ROME, OSLO), {"results": [ROME, OSLO]}),
        (answers(), {"results": []}),
        (answers({"city": "Rome", "made_up": 1}), {"city": "Rome", "people": None}),
        (writes("answer", '{"results": {"city": "Rome", "people": 3}}'), ROME),
        (writes("answer", '{"city": "Rome", "people": 3}'), ROME),
    ],
    ids=["one", "two", "none", "made up", "no list", "not wrapped"],
)
def test_a_structured_answer_has_the_entries_of_its_schema(act: Act, expected: Mapping[str, Any]) -> None:
    """One record as it is, several as `results`; what the model left out is null."""
    with ScriptedModels(by_turn(calls("a"), act)) as models:
        run = Employment(structured_flow(tool("deeds"), output_schema=SCHEMA), models)
        run.go_on()
    assert record(run) == Data(expected)
    assert run.deeds.done == ["a"]
    assert len(models.requests) == 2


def test_an_entry_of_another_type_is_an_error_that_names_it() -> None:
    """It is not passed on as if it were right."""
    with ScriptedModels(by_turn(answers({"city": "Rome", "people": "few"}))) as models:
        run = Employment(structured_flow(output_schema=SCHEMA), models)
        with pytest.raises(VertexFailed, match="people: 'few' is not of type 'integer'"):
            run.go_on()


def test_a_model_that_answers_in_words_is_asked_for_the_record() -> None:
    """It is told how it is to answer."""
    with ScriptedModels(by_turn(OPENAI.says("It is Rome"), answers(ROME))) as models:
        run = Employment(structured_flow(output_schema=SCHEMA), models)
        run.go_on()
    assert record(run) == Data(ROME)


def test_a_tool_may_be_called_as_the_structured_answer_is() -> None:
    """The answer then has another name."""
    named = tool("deeds", name="answer")
    script = by_turn(writes("answer", '{"what": "a"}'), answers(ROME, name="answer_2"))
    with ScriptedModels(script) as models:
        run = Employment(structured_flow(named, output_schema=SCHEMA), models)
        run.go_on()
    assert record(run) == Data(ROME)
    assert run.deeds.done == ["a"]


def test_where_both_answers_are_wanted_the_record_is_read_out_of_the_words() -> None:
    """The tools are called once, and the instructions for the record are those of its own."""
    flow = structured_flow(tool("deeds"), in_words=True, output_schema=SCHEMA, format_instructions="Read it out.")
    script = [calls("a"), OPENAI.says("Rome has 3"), answers(ROME)]
    with ScriptedModels(script) as models:
        run = Employment(flow, models)
        run.go_on()
    assert run.answer.text == "Rome has 3"
    assert record(run) == Data(ROME)
    assert run.deeds.done == ["a"]
    system, asked = models.requests[2].body["messages"]
    assert system["content"] == "Read it out."
    assert asked["content"] == "Rome has 3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"city": "Rome"}', Data({"city": "Rome"})),
        ('```json\n{"city": "Rome"}\n```', Data({"city": "Rome"})),
        ("[1, 2]", Data({"results": [1, 2]})),
        ("Rome, I think", Data({"content": "Rome, I think"}, text_key="content")),
        ("[" * 2_000, Data({"content": "[" * 2_000}, text_key="content")),
    ],
    ids=["JSON", "fenced", "list", "words", "deep"],
)
def test_without_a_schema_the_record_is_what_the_answer_says(text: str, expected: Data) -> None:
    """JSON is read, and words stand as `content`."""
    with ScriptedModels([OPENAI.says(text)]) as models:
        run = Employment(structured_flow(), models)
        run.go_on()
    assert record(run) == expected


@pytest.mark.parametrize(
    ("schema", "fault"),
    [([{"name": "", "type": "str"}], "row 1 of the schema has no name"), ([{"name": "a", "type": "colour"}], "colour")],
)
def test_a_schema_that_describes_no_record_is_refused(schema: list[Any], fault: str) -> None:
    """Before a model is asked."""
    with ScriptedModels([OPENAI.says("x")]) as models, pytest.raises(VertexFailed, match=fault):
        Employment(structured_flow(output_schema=schema), models).go_on()
    assert models.requests == []


def test_an_answer_beside_calls_is_taken_when_they_are_made() -> None:
    """What the model wants done in the same turn is done."""
    both = writes_all(("do", '{"what": "a"}', "x"), ("answer", '{"results": [{"city": "Rome", "people": 3}]}', "y"))
    with ScriptedModels(by_turn(both)) as models:
        run = Employment(structured_flow(tool("deeds"), output_schema=SCHEMA), models)
        run.go_on()
    assert record(run) == Data(ROME)
    assert run.deeds.done == ["a"]
    assert told(models.requests[-1]) == []
