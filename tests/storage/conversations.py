"""Chat messages that jobs have said in their sessions."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from flows.messages import MessageRecord
from flows.values import Message
from storage.claiming import Claimed
from storage.log import EventLog
from storage.passes import finish_vertex
from tests.storage.situations import FINISHED, NOON, result


def said(log: EventLog, owner: Claimed, *texts: str, at: int = 0, **parts: Any) -> list[MessageRecord]:
    """Lets a job say something, a minute between its texts, the first of them `at` minutes past noon."""
    spoken = {"sender": "User", "sender_name": "Ann", "session_id": owner.session_id, **parts}
    records = [
        MessageRecord(
            id=str(uuid4()),
            job_id=owner.job_id,
            flow_id=owner.flow_id,
            created_at=NOON + timedelta(minutes=at + number),
            message=Message(text, **spoken),
        )
        for number, text in enumerate(texts)
    ]
    finish_vertex(log, owner, result(str(uuid4())), FINISHED, records)
    return records
