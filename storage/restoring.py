"""What earlier passes of a job left behind, for the next one to go on from (I6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, select

from flows.checkpoints import Checkpoint
from flows.codec import decode_outputs
from flows.dialogue import Asked
from flows.events import EventType
from flows.journal import VertexResult
from storage.database import Database
from storage.human_requests import requests_of
from storage.tables import CheckpointRow, JobEvent, VertexIntent, VertexRow, table_of

_results, _intents, _events, _checkpoints = (
    table_of(table).c for table in (VertexRow, VertexIntent, JobEvent, CheckpointRow)
)

_FINISHED = select(table_of(VertexRow)).where(_results.job_id == bindparam("of_job")).order_by(_results.position)
_UNCLEAR = (
    select(_intents.vertex_id)
    .select_from(
        table_of(VertexIntent).outerjoin(
            table_of(VertexRow),
            and_(
                _results.job_id == _intents.job_id,
                _results.vertex_id == _intents.vertex_id,
                _results.visit == _intents.visit,
            ),
        )
    )
    .where(_intents.job_id == bindparam("of_job"), _results.job_id.is_(None))
    .order_by(_intents.created_at)
)
_KEPT = select(table_of(CheckpointRow)).where(_checkpoints.job_id == bindparam("of_job"))
_MESSAGES = (
    select(_events.type, _events.payload)
    .where(_events.job_id == bindparam("of_job"))
    .where(_events.type.in_([EventType.ADD_MESSAGE, EventType.REMOVE_MESSAGE]))
    .order_by(_events.seq)
)


@dataclass(frozen=True)
class Legacy:
    """What is there of a job when a pass takes it up that is not the first."""

    finished: list[VertexResult]
    """In the order in which they finished."""
    unclear: list[str]
    """Vertices that may have done what must not happen twice, and have no result."""
    kept: list[Checkpoint]
    """The steps that unfinished vertices had done."""
    asked: list[Asked]
    """Human requests, in the order in which they were asked."""
    open_messages: Mapping[str, str]
    """The chat messages that tokens were still to fill, by id, with the vertex that was to fill them."""


def legacy_of(database: Database, job_id: str) -> Legacy:
    """Everything that the passes before left of a job. Reads its past once per pass, never per vertex."""
    bound = {"of_job": job_id}
    with database.read() as connection:
        finished = connection.execute(_FINISHED, bound).all()
        unclear = connection.execute(_UNCLEAR, bound).scalars().all()
        kept = connection.execute(_KEPT, bound).all()
        messages = connection.execute(_MESSAGES, bound).all()
    return Legacy(
        finished=[VertexResult(row.vertex_id, row.visit, decode_outputs(row.outputs)) for row in finished],
        unclear=list(unclear),
        kept=[Checkpoint(row.vertex_id, row.visit, row.name, orjson.loads(row.content)) for row in kept],
        asked=[request.as_asked for request in requests_of(database, job_id)],
        open_messages=_open([(row.type, orjson.loads(row.payload)["data"]) for row in messages]),
    )


def _open(events: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, data in events:
        found.pop(data["id"], None)
        if kind == EventType.ADD_MESSAGE and data["properties"]["state"] == "partial":
            found[data["id"]] = data["properties"]["source"]["id"]
    return found
