"""StructuredOutput: a model finds records in a text, and is told when they do not fit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from flows.budget import Budget
from flows.components.structured_output import StructuredOutput
from flows.errors import VertexFailed
from flows.extracting import TRIES
from flows.human import RequestKind
from flows.models.defaults import ModelDefaults
from flows.values import Data, Json, Message, Table
from tests.flows.components.producing import produce
from tests.flows.components.replying import Reply, Replying
from tests.flows.running import JOB_ID, RecordingJournal, tools
from tests.flows.shared import from_palette
from tests.model_stub import ModelRequest
from tests.model_wires import INPUT_TOKENS
from tests.shapes import Exported

ROWS = [
    {"name": "name", "description": "Who", "type": "str", "multiple": "False"},
    {"name": "age", "description": "In years", "type": "int", "multiple": "False"},
]
ANN: dict[str, Json] = {"name": "Ann", "age": 40}
BEN: dict[str, Json] = {"name": "Ben", "age": None}


def exported(**values: Any) -> Exported:
    return from_palette("StructuredOutput.json", output_schema=values.pop("output_schema", ROWS), **values)


def replied(
    *replies: Reply, text: Any = "Ann is 40.", **values: Any
) -> tuple[RecordingJournal, Sequence[ModelRequest]]:
    """What comes of an endpoint's replies, one for each request, and the requests."""
    left = list(replies)
    with Replying(lambda request: left.pop(0)) as stub:
        journal = produce(exported(**values), borrowed=tools(defaults=stub.defaults), input_value=text)
        assert not left
        return journal, stub.requests


def records(*found: Any) -> Reply:
    return [{"records": list(found)}]


def outputs(journal: RecordingJournal) -> tuple[Any, Any]:
    produced = journal.outputs("only")
    return produced["structured_output"], produced["dataframe_output"]


def test_one_record_is_put_out_as_it_is() -> None:
    journal, _ = replied(records(ANN))
    assert outputs(journal) == (Data(ANN), Table(("name", "age"), (("Ann", 40),)))


def test_several_records_are_put_out_together() -> None:
    """Those of several calls too."""
    both = Table(("name", "age"), (("Ann", 40), ("Ben", None)))
    for reply in (records(ANN, BEN), [*records(ANN), *records(BEN)]):
        journal, _ = replied(reply)
        assert outputs(journal) == (Data({"results": [ANN, BEN]}), both)


def test_the_model_is_asked_for_the_schema_and_nothing_else() -> None:
    journal, [asked] = replied(
        records(ANN), system_prompt="Be exact.", schema_name="Person", text=Message("Ann is 40.")
    )
    [tool] = asked.body["tools"]
    item = tool["function"]["parameters"]["properties"]["records"]["items"]
    assert (asked.said("system"), asked.said("user")) == ("Be exact.", "Ann is 40.")
    assert "Person" in tool["function"]["description"]
    assert (item["required"], item["properties"]["age"]["description"]) == (["name", "age"], "In years")
    assert asked.body["tool_choice"] == "required"
    assert journal.spent == INPUT_TOKENS + 1


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (records({"name": "Ann", "age": "forty"}), "age: 'forty' is not of type 'integer'."),
        ([cast("Any", "Ann")], "the arguments are no JSON object"),
        ([{"records": None}], "`records` must be a list of records."),
        ([{"people": []}], "`records` must be a list of records."),
        ([{"records": ["Ann"]}], "`records` must be a list of records."),
    ],
)
def test_a_reply_that_does_not_fit_is_told_so_and_mended(wrong: Reply, fault: str) -> None:
    """Each try goes out under a key of its own, or an endpoint that knows keys would repeat itself (rule 6)."""
    journal, requests = replied(wrong, records(ANN))
    assert outputs(journal)[0] == Data(ANN)
    *_, answered, returned = requests[1].body["messages"]
    assert answered["tool_calls"][0]["id"] == returned["tool_call_id"]
    assert fault in returned["content"]
    keys = [request.headers["idempotency-key"] for request in requests]
    assert keys == [f"{JOB_ID}:only:1:{attempt}" for attempt in (1, 2)]
    assert journal.spent == 2 * (INPUT_TOKENS + 1)


def test_a_reply_without_a_call_is_told_so() -> None:
    journal, requests = replied("Ann is 40.", records(ANN))
    assert outputs(journal)[0] == Data(ANN)
    assert requests[1].body["messages"][-1] == {"role": "user", "content": "Answer by calling the tool give_records."}


def test_a_model_that_never_fits_fails_the_vertex_with_its_last_fault() -> None:
    with pytest.raises(VertexFailed, match=f"asked {TRIES} times and gave nothing that fits the schema: age: 'x' is"):
        replied(*[records({"age": "x"})] * TRIES)


def test_a_model_that_finds_nothing_fails_the_vertex() -> None:
    with pytest.raises(VertexFailed, match="found nothing in the text that fits the schema"):
        replied(records())


@pytest.mark.parametrize(
    ("values", "text", "fault"),
    [({"output_schema": []}, "x", "no rows"), ({}, " ", "no text"), ({}, Message(""), "no text")],
)
def test_what_cannot_be_asked_is_not(values: Any, text: Any, fault: str) -> None:
    with pytest.raises(VertexFailed, match=fault):
        replied(text=text, **values)


def test_an_endpoint_that_cannot_be_reached_is_named() -> None:
    defaults = ModelDefaults("stub-model", "http://127.0.0.1:9/v1")
    with pytest.raises(VertexFailed, match=r"The model 'stub-model' at http://127\.0\.0\.1:9/v1 failed"):
        produce(exported(), borrowed=tools(defaults=defaults), input_value="x")


def test_a_run_whose_tokens_are_used_up_asks_a_person_before_the_model() -> None:
    with Replying(lambda request: records(ANN)) as stub:
        borrowed = replace(tools(defaults=stub.defaults), budget=Budget(10, 10))
        journal = produce(exported(), borrowed=borrowed, input_value="x")
    assert [asked.kind for asked in journal.asked] == [RequestKind.BUDGET]
    assert (journal.finished, stub.requests) == (["input_value"], [])


def test_its_ports_are_the_editors() -> None:
    described = exported()["data"]["node"]["outputs"]
    assert {port["name"]: tuple(port["types"]) for port in described} == {
        name: port.types for name, port in StructuredOutput.outputs.items()
    }
