"""How a failed run is told: its owner hears what they can mend, the log of this process keeps what we must."""

import traceback
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from flows.errors import FlowError, VertexFailed, VertexTimedOut
from flows.events import Event, EventType, end, error, lifecycle
from flows.messages import MessageRecord
from flows.redaction import REDACTED
from flows.values import Message, Source
from storage.claiming import Claimed
from storage.errors import StorageError
from storage.levels import Trust
from storage.states import Status

logger = structlog.get_logger(__name__)

GENERIC = "Workflow execution failed."
"""What is told to whoever may run a flow but not see into it (contract 6.5)."""
UNEXPECTED = "Something went wrong here; the log of the worker says what."


SHORTEST_SECRET = 6
"""Characters below which a value is no secret but a word, whose every occurrence in a text would be struck out."""


@dataclass(frozen=True)
class Failure:
    """What is stored of a failed run: the error as JSON, and its last events."""

    error: str
    events: list[Event]


def describe(claimed: Claimed, failure: Exception, secrets: Collection[str], at: datetime, duration: float) -> Failure:
    """The failure of a run for whoever runs it, without any of the `secrets` (rule 12). A defect of this program is
    logged whole and told without detail, as is every failure to whoever may not see into the flow."""
    if isinstance(failure, FlowError | StorageError):
        logger.info("job_failed", job_id=claimed.job_id, error_type=type(failure).__name__)
        reason = tellable(str(failure), secrets)
    else:
        whole = "".join(traceback.format_exception(failure))
        logger.error("job_failed", job_id=claimed.job_id, exception=tellable(whole, secrets))
        reason = UNEXPECTED
    source = _source(failure)
    if claimed.trust is not Trust.FULL:
        reason, source = GENERIC, Source()
    stored = orjson.dumps({"type": type(failure).__name__, "message": reason, "component_id": source.id}).decode()
    if isinstance(failure, VertexTimedOut):
        return Failure(stored, [lifecycle(EventType.TIMED_OUT, reason)])
    record = MessageRecord(
        id=claimed.job_id,
        job_id=claimed.job_id,
        flow_id=claimed.flow_id,
        created_at=at,
        message=Message(reason, "Machine", "AI", claimed.session_id, source=source),
        category="error",
    )
    return Failure(stored, [error(record), end(Status.FAILED, duration)])


def tellable(text: str, secrets: Collection[str]) -> str:
    """The text as it can be stored and shown, whatever an exception says: without any of the secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    return text.encode(errors="replace").decode()


def _source(failure: Exception) -> Source:
    if isinstance(failure, VertexFailed | VertexTimedOut):
        return Source(failure.vertex_id, failure.display_name, failure.display_name)
    return Source()
