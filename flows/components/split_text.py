"""SplitText: texts become a table of chunks."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import orjson

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.splitting import Keep, Splitter
from flows.text import MAX_TEXT, to_text
from flows.values import Data, Json, Message, Table, Value

MAX_CHUNKS = 100_000
"""Rows of the table (I10)."""
_KEEP = {"False": Keep.NOWHERE, "True": Keep.START, "Start": Keep.START, "End": Keep.END}
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "/n": "\n", "/t": "\t"}
"""How a separator is written in the editor's field."""


class SplitTextFields(Inputs):
    data_inputs: Any
    separator: Text = "\n"
    chunk_size: int = 1_000
    chunk_overlap: int = 200
    text_key: Text = "text"
    keep_separator: Literal["False", "True", "Start", "End"] = "False"
    clean_output: bool = False


class SplitText(Component[SplitTextFields]):
    """Cuts the text of each record. What else a record holds stands beside each of its chunks, unless `clean_output`.

    A function and no coroutine: large texts take their time.
    """

    types = ("SplitText",)
    inputs = SplitTextFields
    outputs: ClassVar = {"dataframe": Port(("Table",))}

    def build(self, inputs: SplitTextFields, context: VertexContext) -> Outputs:
        keep = _KEEP[inputs.keep_separator]
        splitter = Splitter(_unescaped(inputs.separator), inputs.chunk_size, inputs.chunk_overlap, keep)
        return {"dataframe": split(splitter, inputs)}


def split(splitter: Splitter, inputs: SplitTextFields) -> Table:
    """The chunks of everything that reached the component. Raises `ValueError` before they grow beyond the bounds."""
    rows: list[dict[str, Json]] = []
    left = MAX_TEXT
    for text, beside in _texts(inputs.data_inputs, inputs.text_key):
        kept = {} if inputs.clean_output else beside
        weight = len(orjson.dumps(kept))
        for chunk in splitter.split(text):
            rows.append({inputs.text_key: chunk, **kept})
            left -= len(chunk) + weight
            if left < 0 or len(rows) > MAX_CHUNKS:
                raise ValueError(f"more than {MAX_CHUNKS} chunks or {MAX_TEXT} characters; split into fewer or shorter")
    columns = tuple(dict.fromkeys([inputs.text_key, *(name for row in rows for name in row)]))
    return Table(columns, tuple(tuple(row.get(name) for name in columns) for row in rows))


def _texts(given: Value | list[Value], text_key: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Each text with what stands beside it."""
    match given:
        case Message() | str():
            yield to_text(given), {}
        case Data():
            yield _taken(given.data, text_key if text_key in given.data else given.text_key)
        case dict():
            yield _taken(given, text_key)
        case Table():
            for record in given.records():
                yield _taken(record, text_key)
        case list():
            for item in given:
                yield from _texts(item, text_key)
        case _:
            raise TypeError(f"a text to be split comes in a Message, Data or a Table, not in {type(given).__name__}")


def _taken(record: Mapping[str, Json], text_key: str) -> tuple[str, Mapping[str, Json]]:
    if text_key not in record:
        raise ValueError(f"there is no {text_key!r} among {', '.join(record) or 'no entries'}; set `text_key`")
    return to_text(record[text_key]), {name: value for name, value in record.items() if name != text_key}


def _unescaped(separator: str) -> str:
    for written, meant in _ESCAPES.items():
        separator = separator.replace(written, meant)
    return separator
