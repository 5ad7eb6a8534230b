"""ChatOutput: where a flow shows its answer."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.text import fill, to_text
from flows.values import Data, Message, Source, Table, Value

_VARIABLE = re.compile(r"\{(\w+)\}")


class ChatOutputFields(Inputs):
    input_value: Any
    sender: str = "Machine"
    sender_name: Text = "AI"
    session_id: Text = ""
    context_id: Text = ""
    data_template: Text = "{text}"
    clean_data: bool = True
    should_store_message: bool = True


class ChatOutput(Component[ChatOutputFields]):
    """Shows whatever reaches it as a chat message and stores it in the session's memory."""

    types = ("ChatOutput",)
    inputs = ChatOutputFields
    outputs: ClassVar = {"message": Port(("Message",))}
    is_output = True

    async def build(self, inputs: ChatOutputFields, context: VertexContext) -> Outputs:
        given = inputs.input_value
        message = replace(
            given if isinstance(given, Message) else Message(""),
            text=_text(given, inputs),
            sender=inputs.sender,
            sender_name=inputs.sender_name,
            session_id=inputs.session_id or context.run.session_id,
            context_id=inputs.context_id,
            source=_source(given) or context.surroundings.fed_by.get("input_value", Source()),
        )
        context.show(message, stored=inputs.should_store_message)
        return {"message": message}


def _source(value: Value) -> Source | None:
    """The source that a message brings with it, as a model's answer does."""
    return value.source if isinstance(value, Message) and value.source.id else None


def _text(value: Value | Sequence[Value], inputs: ChatOutputFields) -> str:
    match value:
        case Data():
            return _fill(inputs.data_template, value)
        case Table():
            return _clean(value) if inputs.clean_data else to_text(value)
        case list():
            return "\n".join(_text(item, inputs) for item in value)
    return to_text(value)  # type: ignore[arg-type]


def _fill(template: str, data: Data) -> str:
    """The template with `{name}` replaced by the record's entries; `{text}` alone is the record's text."""
    if template.strip() == "{text}" and "text" not in data.data:
        return to_text(data)
    return fill(template, _VARIABLE, lambda found: to_text(data.data.get(found[1])))


def _clean(table: Table) -> str:
    """The table without empty rows, and without blank lines inside its cells."""
    rows = [row for row in table.rows if any(cell not in (None, "") for cell in row)]
    tidy = [tuple(re.sub(r"\n\s*\n", "\n", cell) if isinstance(cell, str) else cell for cell in row) for row in rows]
    return to_text(Table(table.columns, tuple(tidy)))
