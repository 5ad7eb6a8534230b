"""Memory (Message History): what was said before in the session."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.memory import MAX_MESSAGES, Speaker
from flows.messages import MessageRecord
from flows.text import MAX_TEXT, fill, to_text
from flows.values import Json, Message, Table

COLUMNS = ("id", "timestamp", "sender", "sender_name", "session_id", "text", "files")
_STORED = {"stored_messages": Port(("Message",))}
_VARIABLE = re.compile(r"\{(\w+)\}")


class MemoryFields(Inputs):
    mode: Literal["Retrieve", "Store"] = "Retrieve"
    message: Any = ""
    n_messages: int = 100
    order: Literal["Ascending", "Descending"] = "Ascending"
    sender_type: Literal["Machine", "User", "Machine and User"] = "Machine and User"
    sender: Text = ""
    sender_name: Text = ""
    session_id: Text = ""
    context_id: Text = ""
    template: Text = "{sender_name}: {text}"


class Memory(Component[MemoryFields]):
    """Retrieves what earlier runs said in the session, or stores a message in it that nobody is shown."""

    types = ("Memory",)
    inputs = MemoryFields
    outputs: ClassVar = {"messages_text": Port(("Message",)), "dataframe": Port(("Table",))}

    def ports(self, fields: Mapping[str, Json]) -> Mapping[str, Port]:
        return _STORED if fields.get("mode") == "Store" else self.outputs

    async def build(self, inputs: MemoryFields, context: VertexContext) -> Outputs:
        if inputs.context_id:
            raise ValueError("a session is not divided by contexts here; leave `context_id` empty")
        if inputs.mode == "Store":
            return {"stored_messages": store(inputs, context)}
        records = await retrieve(inputs, context)
        return {"messages_text": as_text(records, inputs.template), "dataframe": as_table(records)}


async def retrieve(inputs: MemoryFields, context: VertexContext) -> Sequence[MessageRecord]:
    """The newest messages that the fields ask for, in the order that they ask for."""
    if not 0 <= inputs.n_messages <= MAX_MESSAGES:
        raise ValueError(f"`n_messages` must lie between 0 and {MAX_MESSAGES}")
    if inputs.n_messages == 0:
        return ()
    session_id = inputs.session_id or context.run.session_id
    speaker = Speaker("" if inputs.sender_type == "Machine and User" else inputs.sender_type, inputs.sender_name)
    records = await context.tools.memory.recall(session_id, inputs.n_messages, speaker)
    return records if inputs.order == "Ascending" else records[::-1]


def store(inputs: MemoryFields, context: VertexContext) -> Message:
    """Keeps a message in the session, from whoever said it unless the fields name somebody."""
    given = inputs.message if isinstance(inputs.message, Message) else Message(to_text(inputs.message))
    message = Message(
        text=given.text,
        sender=inputs.sender or given.sender or "Machine",
        sender_name=inputs.sender_name or given.sender_name or "AI",
        session_id=inputs.session_id or context.run.session_id,
        files=given.files,
    )
    context.remember(context.record(message))
    return message


def as_text(records: Sequence[MessageRecord], template: str) -> Message:
    """The template filled for each message, a line each. Raises `ValueError` before it grows beyond `MAX_TEXT`."""
    lines: list[str] = []
    left = MAX_TEXT
    for record in records:
        lines.append(_filled(template, _row(record), left))
        left -= len(lines[-1]) + 1
    return Message("\n".join(lines))


def _filled(template: str, row: Mapping[str, Json], limit: int) -> str:
    return fill(template, _VARIABLE, lambda found: to_text(row.get(found[1])), limit)


def as_table(records: Sequence[MessageRecord]) -> Table:
    """A row for each message."""
    return Table(COLUMNS, tuple(tuple(_row(record).values()) for record in records))


def _row(record: MessageRecord) -> dict[str, Json]:
    message = record.message
    return {
        "id": record.id,
        "timestamp": record.timestamp,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "session_id": message.session_id,
        "text": message.text,
        "files": list(message.files),
    }
