"""File (Read File): what stands in uploaded files."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flows.components import file as component
from flows.errors import VertexFailed
from flows.events import EventType
from flows.files import FileContent
from flows.graph import Graph
from flows.values import Data, Message, Table, Value
from tests.flows.components.producing import produce
from tests.flows.papers import Uploaded, docx_file, pdf_file, text_file
from tests.flows.running import RecordingJournal, request, run, tools
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import FLAG, PLAIN, Exported, Shape

Load = Callable[[Exported], Graph]

OFF = FLAG | {"value": False}
SHAPE = Shape(
    "Read File",
    {
        "path": {"type": "file", "value": [], "list": True},
        "file_path": {"type": "other", "value": "", "list": True, "input_types": ["Data", "JSON", "Message"]},
        "file_path_str": PLAIN,
        "separator": PLAIN | {"value": "\n\n"},
        "text_encoding": PLAIN,
        "silent_errors": OFF,
        "ignore_unspecified_files": OFF,
        "ignore_unsupported_extensions": FLAG,
        "advanced_mode": OFF,
        "storage_location": {"type": "sortableList", "value": [{"name": "Local"}]},
    },
    {"message": ["Message"], "dataframe": ["Table"], "json": ["JSON"], "path": ["Message"]},
)

FILES: Mapping[str, FileContent] = {
    "u/a.txt": text_file("one"),
    "u/b.txt": text_file("two", "b.txt"),
    "u/a.csv": text_file("a,b\n1,2\n", "a.csv", "text/csv"),
    "u/a.json": text_file('{"a": 1}', "a.json", "application/json"),
    "u/l.json": text_file('[{"a": 1}]', "l.json", "application/json"),
    "u/a.pdf": pdf_file("Hello"),
    "u/a.docx": docx_file(["Hello"]),
    "u/cat.png": FileContent("cat.png", "image/png", b"meow"),
    "u/bad.pdf": FileContent("bad.pdf", "application/pdf", b"%PDF"),
    "u/bad.csv": text_file("a\n1,2\n", "bad.csv", "text/csv"),
}


def reader(**fields: Any) -> Exported:
    return node("File", "f", shape=SHAPE, **fields)


def journal_of(exported: Exported, *files: str, **brought: Value) -> RecordingJournal:
    return produce(exported, asked=request(files=files), borrowed=tools(files=Uploaded(FILES)), **brought)


def raw(*files: str, fields: Mapping[str, Any] | None = None, **brought: Value) -> str:
    """The text that a reader makes of the files that its fields name."""
    message = journal_of(reader(path=list(files), **(fields or {})), **brought).outputs("f")["message"]
    assert isinstance(message, Message)
    return message.text


def output(load: Load, name: str, *files: str) -> Value:
    """One output of a reader, which another vertex uses."""
    source, sink = reader(path=list(files)), node("ChatOutput", "o")
    graph = load(flow([source, sink], [edge(source, name, sink, "input_value")]))
    outputs = run(graph, borrowed=tools(files=Uploaded(FILES))).outputs("f")
    assert list(outputs) == [name]
    return outputs[name]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("u/a.txt", "one"),
        ("u/a.csv", "a,b\n1,2\n"),
        ("u/a.json", '{"a": 1}'),
        ("u/a.pdf", "Hello"),
        ("u/a.docx", "Hello"),
    ],
)
def test_the_raw_content_of_a_file_is_its_text(path: str, text: str) -> None:
    assert raw(path) == text


def test_a_reader_with_nothing_behind_it_shows_the_raw_content_alone() -> None:
    assert journal_of(reader(path=["u/a.csv"])).outputs("f") == {"message": Message("a,b\n1,2\n")}


def test_the_texts_of_several_files_stand_one_behind_the_other() -> None:
    """Each file once."""
    assert raw("u/a.txt", "u/b.txt", "u/a.txt") == "one\n\ntwo"
    assert raw("u/a.txt", "u/b.txt", fields={"separator": " + "}) == "one + two"


@pytest.mark.parametrize(
    ("files", "table"),
    [
        (["u/a.csv"], Table(("a", "b"), (("1", "2"),))),
        (["u/l.json"], Table(("a",), ((1,),))),
        (["u/a.txt"], Table(("file_path", "text"), (("u/a.txt", "one"),))),
        (["u/a.txt", "u/a.json"], Table(("file_path", "text"), (("u/a.txt", "one"), ("u/a.json", '{"a": 1}')))),
    ],
)
def test_a_table_has_the_rows_of_a_single_file_or_a_row_for_each(load: Load, files: list[str], table: Table) -> None:
    assert output(load, "dataframe", *files) == table


@pytest.mark.parametrize(
    ("files", "value"),
    [(["u/a.json"], Data({"a": 1})), (["u/l.json"], [{"a": 1}]), (["u/a.json", "u/l.json"], [{"a": 1}, [{"a": 1}]])],
)
def test_json_is_what_a_file_holds(load: Load, files: list[str], value: Value) -> None:
    assert output(load, "json", *files) == value


def test_the_paths_name_the_files_again(load: Load) -> None:
    assert output(load, "path", "u/a.txt", "u/a.csv") == Message("u/a.txt\nu/a.csv", files=("u/a.txt", "u/a.csv"))


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [("dataframe", "u/bad.csv", r"'bad\.csv' cannot be read: line 2 has 2 cells"), ("json", "u/a.csv", "no JSON")],
)
def test_a_file_that_does_not_hold_what_is_wanted_is_named(load: Load, name: str, path: str, reason: str) -> None:
    with pytest.raises(VertexFailed, match=reason):
        output(load, name, path)


@pytest.mark.parametrize(
    "value",
    [
        Message("u/b.txt"),
        Message("read this", files=("u/b.txt",)),
        Data({"file_path": "u/b.txt"}),
        {"file_path": "u/b.txt"},
    ],
)
def test_what_an_edge_brings_stands_before_the_field(value: Value) -> None:
    assert raw("u/a.txt", file_path=value) == "two"


def test_without_a_path_the_files_of_the_run_are_read() -> None:
    assert journal_of(reader(), "u/a.txt").outputs("f") == {"message": Message("one")}


def test_a_path_may_be_a_single_text() -> None:
    assert journal_of(reader(path="u/a.txt"), "u/b.txt").outputs("f") == {"message": Message("one")}


def test_the_path_of_a_tool_call_stands_before_all_others() -> None:
    assert raw("u/a.txt", fields={"file_path_str": "u/b.txt"}, file_path=Message("u/a.csv")) == "two"


def test_a_record_without_a_path_is_refused_or_ignored() -> None:
    with pytest.raises(VertexFailed, match="needs an entry `file_path`"):
        raw("u/a.txt", file_path=Data({"name": "b"}))
    assert raw("u/a.txt", file_path=Data({"name": "b"}), fields={"ignore_unspecified_files": True}) == "one"


def test_a_file_of_another_kind_is_left_out_and_told_of_in_the_log() -> None:
    journal = journal_of(reader(path=["u/a.txt", "u/cat.png"]))
    assert journal.outputs("f") == {"message": Message("one")}
    [line] = journal.of_type(EventType.LOG)
    assert "'cat.png' cannot be read: it is image/png" in str(line.data)


def test_a_file_of_another_kind_fails_the_vertex_where_the_field_says_so() -> None:
    with pytest.raises(VertexFailed, match="it is image/png, and only text"):
        raw("u/a.txt", "u/cat.png", fields={"ignore_unsupported_extensions": False})


@pytest.mark.parametrize("path", ["u/nowhere.txt", "u/bad.pdf", "/etc/passwd", "../a.txt"])
def test_a_file_that_cannot_be_read_fails_the_vertex_unless_errors_are_silent(path: str) -> None:
    with pytest.raises(VertexFailed, match=r"is not here|cannot be read"):
        raw("u/a.txt", path)
    assert raw("u/a.txt", path, fields={"silent_errors": True}) == "one"
    assert raw(path, fields={"silent_errors": True}) == ""


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "no file is named. Set `path`, or send `files` with the run"),
        ({"path": ["u/cat.png"]}, "none of the files can be read"),
        ({"path": [f"u/{number}" for number in range(33)]}, "33 files are named; at most 32 are read"),
        ({"path": [1]}, "field 'path"),
        ({"advanced_mode": True}, "the advanced parser .Docling. is not here"),
        ({"storage_location": [{"name": "AWS"}]}, "files are read from the uploaded ones only"),
        ({"path": ["u/a.txt"], "text_encoding": "klingon"}, "'klingon' is no encoding"),
    ],
)
def test_what_cannot_be_read_fails_with_what_to_do(fields: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(VertexFailed, match=reason):
        journal_of(reader(**fields))


def test_the_encoding_is_a_field() -> None:
    assert raw("u/b.txt", fields={"text_encoding": "cp037"}) == b"two".decode("cp037")


@pytest.mark.parametrize("bound", ["MAX_BYTES", "MAX_TEXT"])
def test_the_files_of_a_vertex_are_bounded_together(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component, bound, 5)
    assert raw("u/a.txt") == "one"
    with pytest.raises(VertexFailed, match="characters together"):
        raw("u/a.txt", "u/b.txt")


def test_files_are_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long document holds up nothing but its vertex."""
    threads: list[str] = []

    def slow(file: FileContent, encoding: str, monotonic: Callable[[], float]) -> str:
        threads.append(threading.current_thread().name)
        return "text"

    monkeypatch.setattr(component, "text_of", slow)
    assert raw("u/a.pdf") == "text"
    assert threads == ["vertex"]


def test_a_reader_from_the_palette_answers_in_a_flow(load: Load) -> None:
    read, answered = from_palette("File.json", "f"), node("ChatOutput", "o")
    graph = load(flow([read, answered], [edge(read, "message", answered, "input_value")]))
    asked = request(files=["u/a.pdf", "u/a.docx"])
    [answer] = run(graph, asked, tools(files=Uploaded(FILES))).messages
    assert answer.message.text == "Hello\n\nHello"
