"""ParserComponent: records and tables become text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.text import MAX_TEXT, fill, to_text
from flows.values import Data, Json, Message, Table, Value

_VARIABLE = re.compile(r"\{(\w+)\}")


class ParserFields(Inputs):
    input_data: Any
    mode: Literal["Parser", "Stringify"] = "Parser"
    pattern: Text = "Text: {text}"
    sep: Text = "\n"


class Parser(Component[ParserFields]):
    """Fills `pattern` for every record and joins them with `sep`, or stringifies the input as it is."""

    types = ("ParserComponent", "parser")
    inputs = ParserFields
    outputs: ClassVar = {"parsed_text": Port(("Message",))}

    async def build(self, inputs: ParserFields, context: VertexContext) -> Outputs:
        given = inputs.input_data if isinstance(inputs.input_data, list) else [inputs.input_data]
        if inputs.mode == "Stringify":
            return {"parsed_text": Message("\n".join(to_text(item) for item in given))}
        records = [record for item in given for record in _records(item)]
        return {"parsed_text": Message(inputs.sep.join(_filled(inputs, records)))}


def _records(value: Value) -> list[dict[str, Json]]:
    match value:
        case Data():
            return [dict(value.data)]
        case Table():
            return value.records()
        case dict():
            return [value]
        case Message() | str():
            return [{"text": to_text(value)}]
    raise TypeError(f"a parser reads Data, JSON or a Table, not {type(value).__name__}")


def _filled(inputs: ParserFields, records: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    left = MAX_TEXT
    for record in records:
        text = _fill(inputs.pattern, record, left)
        left -= len(text) + len(inputs.sep)
        yield text


def _fill(pattern: str, record: Mapping[str, Json], limit: int) -> str:
    return fill(pattern, _VARIABLE, lambda found: to_text(record.get(found[1])), limit)
