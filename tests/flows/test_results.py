"""flows/results.py: how a finished vertex and a finished flow are shown (contract 1.8 and 3.1)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.events import EventType
from flows.graph import Graph
from flows.results import AnswerText, answer_text, readable_duration
from flows.values import Data, LanguageModel, Message, Source, Table, Usage, Value
from tests.flows.running import RecordingJournal, run
from tests.flows.shared import shared
from tests.flows.steps import StepFields, step_graph, steps
from tests.making import echo_flow, flow, node
from tests.shapes import Exported

Load = Callable[[Exported], Graph]

OF_THE_ENGINE = ("add_message", "end_vertex", "output")
"""The events that a vertex leaves; the others are of the pass around it."""

VARIES = frozenset({"timestamp", "id", "timedelta", "duration", "params"})
"""What differs from run to run, and `params`, a debugging text that is empty here."""


def captured() -> list[dict[str, Any]]:
    """What a Langflow server sent for the flow `ChatInput-a1` → `ChatOutput-b1` asked `hello`."""
    lines = shared("captures", "stream_langflow_None.txt").read_text().splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return [event for event in events if event["event"] in OF_THE_ENGINE]


def sent(graph: Graph) -> list[dict[str, Any]]:
    """What the same run sends here."""
    return [json.loads(event.encode()) for event in run(graph).milestones]


def steady(value: Any) -> Any:
    """A frame without the values that vary; the keys of these stay."""
    match value:
        case dict():
            return {key: None if key in VARIES else steady(inner) for key, inner in value.items()}
        case list():
            return [steady(item) for item in value]
    return value


def test_an_echo_sends_what_langflow_sends(load: Load) -> None:
    """Event for event, key for key and value for value, but for times, ids and `params`."""
    assert [steady(event) for event in sent(load(echo_flow()))] == [steady(event) for event in captured()]


def test_what_varies_has_langflows_form(load: Load) -> None:
    """Times stand in two forms and a duration in words, as they do there."""
    ours, theirs = sent(load(echo_flow())), captured()
    for mine, other in zip(ours, theirs, strict=True):
        for key in ("timestamp", "id"):
            assert type(mine["data"].get(key)) is type(other["data"].get(key))
    assert ours[0]["data"]["timestamp"] == "2026-11-22 17:49:11.274457 UTC" == theirs[0]["data"]["timestamp"]
    build_data = ours[1]["data"]["build_data"]
    assert build_data["timestamp"] == "2026-11-22T17:49:11.274457Z"
    assert build_data["id"] == theirs[1]["data"]["build_data"]["id"]
    assert build_data["data"]["duration"] == readable_duration(build_data["data"]["timedelta"])


def produced(outputs: Outputs) -> RecordingJournal:
    """A run of one terminal step with the given outputs."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        return outputs

    return run(step_graph(steps([], alone=["only"]), work))


SHOWN: dict[str, tuple[Value, Any, str, Any]] = {
    "a record": (Data({"n": 1}), {"n": 1}, "object", {"text_key": "text", "data": {"n": 1}}),
    "a table": (Table(("n",), ((1,),)), [{"n": 1}], "array", [{"n": 1}]),
    "a model": (LanguageModel("v", "gpt", "https://example.org"), "gpt", "text", {"name": "gpt"}),
    "a text": ("Hi", "Hi", "text", "Hi"),
    "a list": ([1], [1], "array", [1]),
    "an object": ({"n": 1}, {"n": 1}, "object", {"n": 1}),
    "nothing": (None, None, "object", None),
}


@pytest.mark.parametrize("case", SHOWN)
def test_every_value_is_shown_in_full_and_in_short(case: str) -> None:
    value, content, kind, dumped = SHOWN[case]
    [event] = produced({"left": value}).of_type(EventType.END_VERTEX)
    data = event.data["build_data"]["data"]
    assert data["outputs"] == {"left": {"message": content, "type": kind}}
    assert data["results"] == {"left": dumped}


def test_a_message_is_shown_in_full_whether_or_not_the_chat_shows_it() -> None:
    """Its keys are those of a message that the chat shows, but for an id of its own."""
    [event] = produced({"left": Message("Hi", sender="Machine")}).of_type(EventType.END_VERTEX)
    data = event.data["build_data"]["data"]
    assert data["outputs"] == {"left": {"message": "Hi", "type": "text"}}
    assert (data["results"]["left"]["text"], data["results"]["left"]["data"]["sender"]) == ("Hi", "Machine")
    assert "id" not in data["results"]["left"]


def test_a_vertex_without_outputs_is_shown_with_none() -> None:
    journal = produced({})
    [event] = journal.of_type(EventType.END_VERTEX)
    data = event.data["build_data"]["data"]
    assert (data["outputs"], data["results"], data["logs"], data["message"]) == ({}, {}, {}, None)


def test_the_price_of_a_model_is_told() -> None:
    [event] = produced({"left": Message("Hi", usage=Usage(1, 2))}).of_type(EventType.END_VERTEX)
    assert event.data["build_data"]["data"]["token_usage"] == {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
    }


def test_a_terminal_that_is_no_output_tells_its_source_and_not_its_content() -> None:
    message = Message("Hi", source=Source("m", "Language Model", "gpt"))
    [output] = produced({"left": message}).of_type(EventType.OUTPUT)
    assert output.data["content"] is None
    assert output.data["metadata"] == {
        "component_type": "Step",
        "is_output": False,
        "source": {"id": "m", "display_name": "Language Model", "model": "gpt"},
    }


def test_only_terminal_vertices_are_outputs_of_the_flow(load: Load) -> None:
    """Each right after its `end_vertex`."""
    said = [(event["event"], event["data"].get("component_id")) for event in sent(load(echo_flow()))]
    assert said[-2:] == [("end_vertex", None), ("output", "ChatOutput-b1")]
    assert [kind for kind, _ in said].count("output") == 1


def test_an_output_is_typed_by_its_first_port(load: Load) -> None:
    unported = node("TextOutput", "out", input_value="Hi")
    unported["data"]["node"]["outputs"] = []
    [output] = run(load(flow([unported]))).of_type(EventType.OUTPUT)
    assert output.data["type"] == "textoutput"
    [output] = run(load(flow([node("TextOutput", "out", input_value="Hi")]))).of_type(EventType.OUTPUT)
    assert output.data["type"] == "message"


def _output(content: object, type: str = "message") -> dict[str, object]:
    return {"type": type, "content": content}


TEXTS: dict[str, tuple[Mapping[str, Mapping[str, Any]], Sequence[str], AnswerText]] = {
    "one text": ({"a": _output("Hi")}, (), AnswerText("single", "Hi", "a")),
    "an empty text": ({"a": _output("")}, (), AnswerText("single", "", "a")),
    "a text of the older type": ({"a": _output("Hi", "text")}, (), AnswerText("single", "Hi", "a")),
    "two texts": ({"a": _output("Hi"), "b": _output("Ho")}, (), AnswerText("multiple")),
    "two texts, one chosen": ({"a": _output("Hi"), "b": _output("Ho")}, ["b"], AnswerText("single", "Ho", "b")),
    "two texts, both chosen": ({"a": _output("Hi"), "b": _output("Ho")}, ["a", "b"], AnswerText("multiple")),
    "a text and one not said": ({"a": _output("Hi"), "b": _output(None)}, (), AnswerText("single", "Hi", "a")),
    "a text and data": ({"a": _output("Hi"), "b": _output({}, "data")}, (), AnswerText("single", "Hi", "a")),
    "a message that is no text": ({"a": _output({"n": 1})}, (), AnswerText("non_string")),
    "a message not said": ({"a": _output(None)}, (), AnswerText("non_string")),
    "data only": ({"a": _output("Hi", "data")}, (), AnswerText("none")),
    "nothing": ({}, (), AnswerText("none")),
    "what was chosen is not there": ({"a": _output("Hi")}, ["ghost"], AnswerText("none")),
}


@pytest.mark.parametrize("case", TEXTS)
def test_the_answer_is_the_one_text_if_there_is_one(case: str) -> None:
    outputs, chosen, expected = TEXTS[case]
    assert answer_text(outputs, chosen) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0116, "12 ms"),
        (0.9994, "999 ms"),
        (1.54, "1.5 seconds"),
        (59.9, "59.9 seconds"),
        (123.4, "2 minutes, 3 seconds"),
    ],
)
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    assert readable_duration(seconds) == text


@pytest.mark.parametrize("seconds", [0.99951, 59.96, 119.7])
def test_a_duration_never_rounds_up_to_a_full_unit(seconds: float) -> None:
    """No `1000 ms`, `60.0 seconds` or `1 minutes, 60 seconds`."""
    assert not {"1000", "60.0", "60"} & set(readable_duration(seconds).split())
