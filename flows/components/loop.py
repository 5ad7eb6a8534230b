"""LoopComponent: one item after another to what is behind it, and then all that came back."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flows.component import Component, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.reading.tabular import table_of
from flows.text import to_text
from flows.values import Data, Json, Message, Table, Value

MAX_ITEMS = 1_000
"""Items of one loop at most (I10)."""
MAX_VISITS = 10_000
"""Visits of a loop that is in the body of another at most, over all of the other's items (I10)."""


class LoopFields(Inputs):
    data: Any = None


class Loop(Component[LoopFields]):
    """Gives each row of a table, or each element of a list, to what is behind `item`; then puts out as `done` a table
    of what came back, a row for each."""

    types = ("LoopComponent",)
    inputs = LoopFields
    outputs: ClassVar = {"item": Port(("Data", "JSON")), "done": Port(("DataFrame", "Table"))}
    is_loop = True

    async def build(self, inputs: LoopFields, context: VertexContext) -> Outputs:
        count, at = _count(inputs.data), context.items_given
        if count > MAX_ITEMS:
            raise ValueError(f"it is given {count} items; at most {MAX_ITEMS} are allowed. Give it fewer at a time.")
        if context.visit > MAX_VISITS:
            raise ValueError(
                f"it was visited {MAX_VISITS} times, the most that is allowed. Give the loops fewer items."
            )
        if at < count:
            return {"item": _item(inputs.data, at)}
        return {"done": gathered(context.returned)}


def gathered(returned: Sequence[Value]) -> Table:
    """A row for each record that came back, and for each text one with the column `text`."""
    return table_of([record for value in returned for record in _records(value)])


def _count(data: Value) -> int:
    match data:
        case Table():
            return len(data.rows)
        case list():
            return len(data)
        case None | "":
            return 0
        case Data() | Message() | dict() | str():
            return 1
    raise TypeError(f"items come in a Table, a Data, a Message or a list, not in {type(data).__name__}")


def _item(data: Value, at: int) -> Data:
    """One item. Price: that of the item, however many there are."""
    match data:
        case Table():
            return Data(dict(zip(data.columns, data.rows[at], strict=True)))
        case list():
            return _as_data(data[at])
    return _as_data(data)


def _as_data(value: Value) -> Data:
    match value:
        case Data():
            return value
        case dict():
            return Data(value)
    return Data({"text": to_text(value)})


def _records(value: Value) -> Sequence[dict[str, Json]]:
    match value:
        case Table():
            return value.records()
        case list():
            return [record for item in value for record in _records(item)]
    return [dict(_as_data(value).data)]
