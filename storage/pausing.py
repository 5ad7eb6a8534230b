"""How a person makes a job stand still, and lets it go on."""

from typing import Any

from sqlalchemy import Connection, case, insert, select, true, update
from sqlmodel import col

from storage.answering import Woken
from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.errors import NotPaused
from storage.log import EventLog
from storage.states import Mode, Order, Status, states_moved_by
from storage.tables import ExecutionSignal, Job
from storage.waking import STANDS_STILL, waking


def pause(log: EventLog, job_id: str, user_id: str, by: Actor | None = None) -> Status:
    """Suspends a job: at once when it is queued, at the next end of a vertex while it runs, and when it waits for a
    person, so that no answer wakes it. Its state now; a job that is over stays as it is. Raises `LookupError`."""
    is_queued = col(Job.status) == Status.QUEUED
    changes: dict[str, Any] = {
        "is_paused": True,
        "status": case((is_queued, Status.SUSPENDED), else_=col(Job.status)),
        **{name: case((is_queued, value), else_=getattr(Job, name)) for name, value in STANDS_STILL.items()},
    }
    before = select(col(Job.status)).where(col(Job.id) == job_id).with_for_update()
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.status).in_(states_moved_by(Order.PAUSE)))
        .values(changes)
        .returning(col(Job.status))
    )
    with log.transition(Order.PAUSE, durable=True) as transition:
        was = transition.connection.execute(before).scalar_one_or_none()
        if was is None:
            raise LookupError(job_id)
        moved = transition.connection.execute(statement).scalar_one_or_none()
        if moved is not None:
            _signal(transition.connection, job_id, Order.PAUSE, user_id)
            _record(transition.connection, Action.JOB_PAUSED, job_id, by)
        return Status(moved or was)


def resume(log: EventLog, job_id: str, user_id: str, by: Actor | None = None) -> Woken:
    """Lets a paused job go on. Raises `NotPaused` for one that is not."""
    is_suspended = col(Job.status) == Status.SUSPENDED
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.status).in_(states_moved_by(Order.RESUME)))
        .where(col(Job.is_paused) == true())
        .values(is_paused=False, **waking(is_suspended))
        .returning(col(Job.status), col(Job.mode))
    )
    with log.transition(Order.RESUME, durable=True) as transition:
        moved = transition.connection.execute(statement).one_or_none()
        if moved is None:
            raise NotPaused(str(NotPaused.__doc__))
        _signal(transition.connection, job_id, Order.RESUME, user_id)
        _record(transition.connection, Action.JOB_RESUMED, job_id, by)
    return Woken(job_id, Mode(moved.mode), is_queued=moved.status == Status.QUEUED)


def _signal(connection: Connection, job_id: str, order: Order, user_id: str) -> None:
    """Records who gave an order, which the job's row has taken over."""
    row = {"job_id": job_id, "kind": order, "user_id": user_id}
    connection.execute(insert(ExecutionSignal).values(created_at=now(), consumed_at=now(), **row))


def _record(connection: Connection, action: Action, job_id: str, by: Actor | None) -> None:
    """Tells the audit log, if it is told whose order it was."""
    if by is not None:
        record(connection, Deed(action, job_id, by))
