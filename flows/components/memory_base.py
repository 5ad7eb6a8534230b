"""MemoryBase (Memory Base): what of the session's memory answers a question."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flows.blocking import in_own_thread
from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.memory import MAX_MESSAGES
from flows.messages import MessageRecord
from flows.ranking import rank
from flows.values import Table

MAX_RESULTS = 100
"""Messages that are found at once (I10)."""
_FOUND = ("content", "_score")
_BESIDE = ("session_id", "sender", "sender_name", "timestamp")


class MemoryBaseFields(Inputs):
    search_query: Text = ""
    top_k: int = 5
    include_metadata: bool = True
    memory_base: Any = None
    filter_by_session: bool = True


class MemoryBase(Component[MemoryBaseFields]):
    """Finds messages of the session by the words of a question, the best first.

    Langflow searches a vector store that is attached to the flow under a name, over all sessions when
    `filter_by_session` is off. Here every flow has one memory, its chat messages, whatever the name; and a run reads
    its own session only (I9).
    """

    types = ("MemoryBase",)
    inputs = MemoryBaseFields
    outputs: ClassVar = {"retrieve_data": Port(("Table",))}
    actions: ClassVar = {"retrieve_memory": "retrieve_data"}

    async def build(self, inputs: MemoryBaseFields, context: VertexContext) -> Outputs:
        return {"retrieve_data": await search(inputs, context)}


async def search(inputs: MemoryBaseFields, context: VertexContext) -> Table:
    """A row for each message that was found; none without a question."""
    if not 1 <= inputs.top_k <= MAX_RESULTS:
        raise ValueError(f"`top_k` must lie between 1 and {MAX_RESULTS}")
    if not inputs.search_query.strip():
        return _table([], [], inputs)
    records = await context.tools.memory.recall(context.run.session_id, MAX_MESSAGES)
    texts = [record.message.text for record in records]
    found = await in_own_thread(rank, inputs.search_query, texts, inputs.top_k)
    return _table([records[place] for place, _ in found], [score for _, score in found], inputs)


def _table(records: Sequence[MessageRecord], scores: Sequence[float], inputs: MemoryBaseFields) -> Table:
    rows = []
    for record, score in zip(records, scores, strict=True):
        said = record.message
        beside = (said.session_id, said.sender, said.sender_name, record.timestamp) if inputs.include_metadata else ()
        rows.append((said.text, score, *beside))
    return Table((*_FOUND, *(_BESIDE if inputs.include_metadata else ())), tuple(rows))
