"""SplitText: texts become a table of chunks."""

from collections.abc import Callable
from typing import Any

import pytest

from flows.components import split_text
from flows.errors import VertexFailed
from flows.graph import Graph
from flows.values import Data, Message, Table, Value
from tests.flows.components.producing import produce
from tests.flows.running import request, run
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import FLAG, PLAIN, TEXT, Exported, Shape

SHAPE = Shape(
    "Split Text",
    {
        "data_inputs": {"type": "other", "value": "", "input_types": ["Data", "JSON", "DataFrame", "Table", "Message"]},
        "separator": TEXT | {"value": "\n"},
        "chunk_size": {"type": "int", "value": 1000},
        "chunk_overlap": {"type": "int", "value": 200},
        "text_key": TEXT | {"value": "text"},
        "keep_separator": PLAIN | {"value": "False"},
        "clean_output": FLAG | {"value": False},
    },
    {"dataframe": ["Table"]},
)
SMALL = {"chunk_size": 3, "chunk_overlap": 0}

SPLIT: dict[str, tuple[Value, Table]] = {
    "a message": (Message("one\ntwo"), Table(("text",), (("one",), ("two",)))),
    "a text": ("one\ntwo", Table(("text",), (("one",), ("two",)))),
    "an empty text": ("", Table(("text",), ())),
    "a record": (
        Data({"text": "one\ntwo", "page": 1}),
        Table(("text", "page"), (("one", 1), ("two", 1))),
    ),
    "a record with a text entry of its own": (
        Data({"body": "one\ntwo", "page": 1}, text_key="body"),
        Table(("text", "page"), (("one", 1), ("two", 1))),
    ),
    "plain JSON": ({"text": "one\ntwo"}, Table(("text",), (("one",), ("two",)))),
    "a table": (
        Table(("page", "text"), ((1, "one\ntwo"), (2, "six"))),
        Table(("text", "page"), (("one", 1), ("two", 1), ("six", 2))),
    ),
    "a list of records that hold different things": (
        [{"text": "one", "page": 1}, {"text": "two", "line": 2}],
        Table(("text", "page", "line"), (("one", 1, None), ("two", None, 2))),
    ),
    "a text that is a number": ({"text": 100}, Table(("text",), (("100",),))),
}


def splitter(**fields: Any) -> Exported:
    return node("SplitText", "s", shape=SHAPE, **(SMALL | fields))


def chunks(given: Value, **fields: Any) -> Value:
    return produce(splitter(**fields), data_inputs=given).outputs("s")["dataframe"]


@pytest.mark.parametrize("case", SPLIT)
def test_every_text_becomes_rows_with_what_stood_beside_it(case: str) -> None:
    given, table = SPLIT[case]
    assert chunks(given) == table


def test_a_clean_output_has_the_texts_alone() -> None:
    assert chunks(Data({"text": "one\ntwo", "page": 1}), clean_output=True) == Table(("text",), (("one",), ("two",)))


def test_the_text_stands_under_the_key_that_is_named() -> None:
    assert chunks({"body": "one", "text": "x"}, text_key="body") == Table(("body", "text"), (("one", "x"),))


@pytest.mark.parametrize("written", ["\\n\\n", "\n\n", "/n/n"])
def test_a_separator_may_be_written_with_escapes(written: str) -> None:
    assert chunks("a\nb\n\nc", separator=written) == Table(("text",), (("a\nb",), ("c",)))


@pytest.mark.parametrize(
    ("keep", "texts"), [("False", ["a", "b"]), ("True", ["a", ".b"]), ("Start", ["a", ".b"]), ("End", ["a.", "b"])]
)
def test_the_separator_may_be_kept(keep: str, texts: list[str]) -> None:
    found = chunks("a.b", separator=".", chunk_size=2, keep_separator=keep)
    assert isinstance(found, Table)
    assert [text for (text,) in found.rows] == texts


def test_chunks_overlap() -> None:
    assert chunks("a\nb\nc", chunk_overlap=1) == Table(("text",), (("a\nb",), ("b\nc",)))


@pytest.mark.parametrize(
    ("given", "fields", "reason"),
    [
        (5, {}, "a text to be split comes in a Message, Data or a Table, not in int"),
        (None, {}, "not in NoneType"),
        ({"body": "x"}, {}, "there is no 'text' among body; set `text_key`"),
        (Table(), {}, None),
        ("x", {"chunk_size": 0}, "`chunk_size` must be at least 1"),
        ("x", {"chunk_overlap": 4}, "`chunk_overlap` must lie between 0 and `chunk_size`"),
        ("x", {"keep_separator": "Maybe"}, "field 'keep_separator'"),
        ("x", {"chunk_size": "many"}, "field 'chunk_size'"),
    ],
)
def test_what_cannot_be_split_fails(given: Value, fields: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert chunks(given, **fields) == Table(("text",))
        return
    with pytest.raises(VertexFailed, match=reason):
        chunks(given, **fields)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ("a" * 100_001, {"separator": "", "chunk_size": 1}),
        ("a" * 20_000, {"separator": "", "chunk_size": 2_000, "chunk_overlap": 1_999}),
        ({"text": "a\n" * 2_000, "beside": "x" * 10_000}, {"chunk_size": 1}),
    ],
    ids=["many chunks", "long overlaps", "much beside each"],
)
def test_chunks_grow_no_further_than_their_bounds(given: Value, fields: dict[str, Any]) -> None:
    """A small text may ask for many: the vertex fails before they are made."""
    with pytest.raises(VertexFailed, match=f"more than {split_text.MAX_CHUNKS} chunks or"):
        chunks(given, **fields)


def test_a_splitter_from_the_palette_feeds_a_parser(load: Callable[[Exported], Graph]) -> None:
    asked, answered = node("ChatInput", "i"), node("ChatOutput", "o")
    split, parser = (
        from_palette("SplitText.json", "s", **SMALL),
        from_palette("ParserComponent.json", "p", pattern="<{text}>"),
    )
    edges = [
        edge(asked, "message", split, "data_inputs"),
        edge(split, "dataframe", parser, "input_data"),
        edge(parser, "parsed_text", answered, "input_value"),
    ]
    [_, answer] = run(load(flow([asked, split, parser, answered], edges)), request("one\ntwo")).messages
    assert answer.message.text == "<one>\n<two>"
