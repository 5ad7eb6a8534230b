"""Jobs that ask, and what became of their requests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select, update
from sqlmodel import col

from flows.cards import card_id
from flows.human import Decision
from storage.answering import Answer
from storage.asking import ask, moment
from storage.claiming import Claimed
from storage.database import Database
from storage.human_requests import RequestView, find_request
from storage.log import EventLog
from storage.states import TERMINAL, Order
from storage.submitting import NewJob
from storage.tables import ChatMessage, HumanRequestRow
from tests.storage.situations import WRITES, a_request, claimed, events_of, value_of

APPROVE = Decision("approve")
REJECT = Decision("reject")


def asking_now(log: EventLog, owner: Claimed, **given: Any) -> str:
    """Lets a vertex of a pass ask in this moment, so that a time limit begins now; the id of its request."""
    new = replace(a_request(owner, **given), asked_at=moment(log.database))
    ask(log, owner, new, [])
    return new.id


def suspended(log: EventLog, job: NewJob, **given: Any) -> tuple[Claimed, str]:
    """A job that waits for a person: its last pass, and the id of its request."""
    owner = claimed(log, job)
    request_id = asking_now(log, owner, **given)
    WRITES[Order.SUSPEND](log, owner)
    return owner, request_id


def answering(owner: Claimed, request_id: str, decision: Decision = APPROVE, by: str = "ann") -> Answer:
    return Answer(owner.job_id, request_id, decision, by, "10.0.0.7")


def found(log: EventLog, owner: Claimed, request_id: str) -> RequestView:
    """A request as it stands."""
    view = find_request(log.database, owner.job_id, request_id)
    assert view is not None
    return view


def card_of(log: EventLog, owner: Claimed, request_id: str) -> dict[str, Any]:
    """What the chat card of a request shows."""
    statement = select(col(ChatMessage.content_blocks)).where(col(ChatMessage.id) == card_id(owner.job_id, request_id))
    with log.database.read() as connection:
        [block] = orjson.loads(connection.execute(statement).scalar_one())
    [content] = block["contents"]
    assert isinstance(content, dict)
    return content


def counts(log: EventLog, job_id: str) -> tuple[int, int]:
    """How many requests of a job are open, and how many are decided and not used."""
    return value_of(log.database, job_id, "asking"), value_of(log.database, job_id, "unapplied")


def last_event(log: EventLog, job_id: str) -> tuple[str, dict[str, Any]]:
    """The type and the data of the newest event of a job."""
    frame = orjson.loads(log.stored(job_id, 0)[-1].payload)
    return frame["event"], frame["data"]


def change_request(database: Database, request_id: str, **columns: Any) -> None:
    """Writes columns of a request past every rule."""
    with database.durable() as connection:
        rows = update(HumanRequestRow).where(col(HumanRequestRow.id) == request_id)
        connection.execute(rows.values(columns))


def due_in(database: Database, request_id: str, seconds: float) -> None:
    """Lets the time of a request be over so many seconds from now."""
    deadline = moment(database) + timedelta(seconds=seconds)
    change_request(database, request_id, deadline_at=deadline, due_at=deadline)


def seconds_between(one: datetime | None, other: datetime | None) -> float:
    assert one is not None
    assert other is not None
    return (other - one).total_seconds()


def check_log(log: EventLog, job_id: str) -> Sequence[str]:
    """Holds the log of a job against I2: dense, and with a terminal event, which is the last one, if it has ended; the
    types of its events."""
    events = events_of(log, job_id)
    assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
    assert value_of(log.database, job_id, "seq") == len(events)
    has_ended = value_of(log.database, job_id, "status") in TERMINAL
    assert [terminal for _, _, terminal in events] == [False] * (len(events) - 1) + [has_ended]
    return [type for _, type, _ in events]
