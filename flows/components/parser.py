"""ParserComponent: records and tables become text."""

import re
from typing import Any, ClassVar, Literal

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.text import to_text
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
        return {"parsed_text": Message(inputs.sep.join(_fill(inputs.pattern, record) for record in records))}


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


def _fill(pattern: str, record: dict[str, Json]) -> str:
    return _VARIABLE.sub(lambda found: to_text(record.get(found[1])), pattern)
