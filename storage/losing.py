"""What becomes of a job whose worker was lost: it is queued again, or given up."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select, update
from sqlmodel import col

from flows.events import EventType, lifecycle
from storage.clock import now
from storage.database import Database
from storage.log import EventLog
from storage.passes import UNBOUND, ended
from storage.states import Mode, Order, Status
from storage.tables import Job
from storage.turns import first_turn
from storage.withdrawing import withdraw

BATCH = 200
"""Jobs that are looked for at a time."""

_IS_LOST = (col(Job.status) == Status.IN_PROGRESS, col(Job.lease_until) < now())


@dataclass(frozen=True)
class Lost:
    """A job that nobody works on though its row says so."""

    job_id: str
    mode: Mode
    attempts: int


def lost_jobs(database: Database) -> list[Lost]:
    """Jobs whose pass has let its lease run out by the database's clock."""
    statement = select(col(Job.id), col(Job.mode), col(Job.attempts)).where(*_IS_LOST).limit(BATCH)
    with database.read() as connection:
        return [Lost(row.id, Mode(row.mode), row.attempts) for row in connection.execute(statement)]


def requeue(log: EventLog, job_id: str) -> bool:
    """Queues a lost job again, before all others and under a new fence; false when it is not lost (any more)."""
    changes = {
        "status": Status.QUEUED, "fence": col(Job.fence) + 1, "turn": first_turn(), "hinted_at": now(), **UNBOUND
    }  # fmt: skip
    with log.transition(Order.REQUEUE, durable=False) as transition:
        statement = update(Job).where(col(Job.id) == job_id, *_IS_LOST).values(changes).returning(col(Job.id))
        return transition.connection.execute(statement).scalar_one_or_none() is not None


def give_up(log: EventLog, lost: Lost) -> bool:
    """Fails a job whose worker was lost as often as it was found to be, and says how often that was; false when it is
    not lost (any more)."""
    message = f"The worker was lost {lost.attempts} times in a row before the run got any further."
    error = {"type": EventType.WORKER_LOST, "message": message, "component_id": None}
    changes: dict[str, Any] = {
        "seq": col(Job.seq) + 1, "fence": col(Job.fence) + 1, **ended(Status.FAILED),
        "error": orjson.dumps(error).decode(),
    }  # fmt: skip
    statement = update(Job).where(col(Job.id) == lost.job_id, col(Job.attempts) == lost.attempts, *_IS_LOST)
    with log.transition(Order.GIVE_UP, durable=True) as transition:
        returned = (col(Job.seq), col(Job.asking))
        row = transition.connection.execute(statement.values(changes).returning(*returned)).one_or_none()
        if row is None:
            return False
        withdraw(transition.connection, lost.job_id, row.asking)
        transition.append(lost.job_id, row.seq, [lifecycle(EventType.WORKER_LOST, message)])
    return True
