"""SaveToFile (Write File): what reached it becomes a file of whoever runs the flow."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from flows.component import Effect
from flows.components.save_to_file import SaveToFile
from flows.definition import flow_data
from flows.errors import VertexFailed
from flows.graph import Graph
from flows.values import Data, Message, Table, Value
from tests.flows.components.producing import produce
from tests.flows.papers import Uploaded
from tests.flows.running import JOB_ID, request, run, tools
from tests.flows.shared import from_palette, shared
from tests.making import edge, flow, node
from tests.shapes import FLAG, PLAIN, Exported, Shape

SHAPE = Shape(
    "Write File",
    {
        "input": {"type": "other", "value": "", "input_types": ["Data", "JSON", "DataFrame", "Table", "Message"]},
        "file_name": PLAIN,
        "local_format": PLAIN | {"value": "json"},
        "file_format": PLAIN,
        "append_mode": FLAG | {"value": False},
        "storage_location": {"type": "sortableList", "value": [{"name": "Local"}]},
    },
    {"message": ["Message"]},
)
TABLE = Table(("a", "b"), ((1, "x"), (2, None)))


def writer(**fields: Any) -> Exported:
    return node("SaveToFile", "w", shape=SHAPE, **({"file_name": "report"} | fields))


def saved(value: Value, **fields: Any) -> tuple[str, str]:
    """The name and the text of the one file that a writer stores."""
    files = Uploaded()
    produce(writer(**fields), borrowed=tools(files=files), input=value)
    [(name, content)] = files.saved.values()
    return name, content.decode()


WRITTEN: Mapping[str, tuple[str, Value, str]] = {
    "a table as JSON": (
        "json",
        TABLE,
        '[\n  {\n    "a": 1,\n    "b": "x"\n  },\n  {\n    "a": 2,\n    "b": null\n  }\n]',
    ),
    "a record as JSON": ("json", Data({"a": 1}), '{\n  "a": 1\n}'),
    "a message as JSON": ("json", Message("hi"), '{\n  "message": "hi"\n}'),
    "plain JSON as JSON": ("json", [1], "[\n  1\n]"),
    "a table as CSV": ("csv", TABLE, "a,b\r\n1,x\r\n2,\r\n"),
    "a record as CSV": ("csv", Data({"a": 1}), "a\r\n1\r\n"),
    "a message with records as CSV": ("csv", Message('[{"a": 1}]'), "a\r\n1\r\n"),
    "a message as CSV": ("csv", Message("hi"), "text\r\nhi\r\n"),
    "a table as Markdown": ("markdown", TABLE, "| a | b |\n| --- | --- |\n| 1 | x |\n| 2 |  |"),
    "a record as Markdown": ("markdown", Data({"a": 1}), '```json\n{\n  "a": 1\n}\n```'),
    "a message as Markdown": ("markdown", Message("# hi"), "# hi"),
    "a message as text": ("txt", Message("grün"), "grün"),
    "a record as text": ("txt", Data({"text": "hi"}), "hi"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_value_is_written_in_the_format_that_is_chosen(case: str) -> None:
    kind, value, text = WRITTEN[case]
    suffix = {"markdown": "md"}.get(kind, kind)
    assert saved(value, local_format=kind) == (f"report.{suffix}", text)


def test_the_message_names_the_file_by_its_path() -> None:
    outputs = produce(writer(), borrowed=tools(files=Uploaded()), input=Message("hi")).outputs("w")
    assert outputs == {"message": Message("u/report.json", files=("u/report.json",))}


def test_a_tool_call_may_choose_the_format() -> None:
    assert saved(Message("hi"), file_format="TXT") == ("report.txt", "hi")


@pytest.mark.parametrize(
    ("given", "name"),
    [("a.json", "a.json"), ("a.b", "a.b.json"), (" a ", "a.json"), ("../../etc/a", "a.json"), ("c:\\\\a", "a.json")],
)
def test_a_name_is_one_without_folders_and_ends_as_its_format(given: str, name: str) -> None:
    assert saved(Message("hi"), file_name=given)[0] == name


def test_a_file_is_stored_under_the_key_of_the_vertex() -> None:
    """So that one that was interrupted stores it once."""
    files = Uploaded()
    for text in ("first", "again"):
        produce(writer(local_format="txt"), borrowed=tools(files=files), input=Message(text))
    assert files.saved == {f"{JOB_ID}:w:1": ("report.txt", b"first")}
    assert SaveToFile.effect is Effect.IDEMPOTENT


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"file_name": ""}, "the file has no name; set `file_name`"),
        ({"file_name": "a/"}, "the file has no name"),
        ({"file_name": ".json"}, "the file has no name"),
        ({"local_format": "excel"}, "files are not written as 'excel'; set `local_format` to one of csv, json"),
        ({"local_format": "html"}, "files are not written as 'html'"),
        ({"append_mode": True}, "every run writes a file of its own"),
        ({"storage_location": [{"name": "AWS"}]}, "files are stored among the uploaded ones only"),
    ],
)
def test_what_cannot_be_stored_fails_with_what_to_do(fields: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(VertexFailed, match=reason):
        saved(Message("hi"), **fields)


def test_a_run_for_nobody_stores_nothing() -> None:
    files, asked = Uploaded(), replace(request(), is_remembered=False)
    with pytest.raises(VertexFailed, match="this run is for nobody"):
        produce(writer(), asked=asked, borrowed=tools(files=files), input=Message("hi"))
    assert files.saved == {}


def test_a_process_without_a_place_for_files_says_so() -> None:
    with pytest.raises(VertexFailed, match=r"The file 'report\.json' was not stored\. This run has no place"):
        produce(writer(), input=Message("hi"))


def from_starter() -> Exported:
    """The writer of the starter project that has one."""
    nodes = flow_data(json.loads(shared("starter_flows", "content_aggregator.json").read_text()))["nodes"]
    [exported] = [one for one in nodes if one["data"]["type"] == "SaveToFile"]
    return dict(exported)


@pytest.mark.parametrize(
    ("exported", "name"),
    [
        (lambda: from_palette("SaveToFile.json", "w", file_name="report"), "report.json"),
        (from_starter, "news-aggregated.json"),
    ],
    ids=["palette", "starter"],
)
def test_what_a_flow_answers_is_written(
    load: Callable[[Exported], Graph], exported: Callable[[], Exported], name: str
) -> None:
    asked, answered, written, files = node("ChatInput", "i"), node("ChatOutput", "o"), exported(), Uploaded()
    edges = [edge(asked, "message", answered, "input_value"), edge(answered, "message", written, "input")]
    run(load(flow([asked, answered, written], edges)), request("news"), tools(files=files))
    assert list(files.saved.values()) == [(name, b'{\n  "message": "news"\n}')]
