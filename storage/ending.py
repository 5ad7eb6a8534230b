"""How a job ends against the will of its pass: by a stop or by its deadline."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, insert, select, update
from sqlmodel import col

from flows.events import EventType, lifecycle
from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.log import EventLog, Transition
from storage.passes import ended
from storage.states import Order, Status, states_moved_by
from storage.tables import ExecutionSignal, Job
from storage.withdrawing import withdraw


@dataclass(frozen=True)
class Stopped:
    """What a stop found: the job's state now, and whether this stop brought it about."""

    status: Status
    changed: bool


_DEADLINES = (
    ("The run took longer than it was allowed to.", col(Job.deadline_at)),
    ("A vertex took longer than it was allowed to.", col(Job.vertex_deadline_at)),
)


def stop(log: EventLog, job_id: str, user_id: str, by: Actor | None = None) -> Stopped:
    """Cancels a job at once from any state that is not terminal, under a new fence (rule 9), durably.

    The signal is stored and consumed by the same transaction; a late stop changes nothing. One that changed
    something is in the audit log when it is told whose it is. Raises `LookupError` for a job that does not exist.
    """
    with log.transition(Order.STOP, durable=True) as transition:
        moved = _end(transition, job_id, Order.STOP, Status.CANCELLED, EventType.CANCELLED, "The run was stopped.")
        if moved:
            signal = {"job_id": job_id, "kind": "stop", "user_id": user_id}
            transition.connection.execute(insert(ExecutionSignal).values(created_at=now(), consumed_at=now(), **signal))
            if by is not None:
                record(transition.connection, Deed(Action.JOB_STOPPED, job_id, by))
            return Stopped(Status.CANCELLED, changed=True)
        found = transition.connection.execute(select(col(Job.status)).where(col(Job.id) == job_id)).scalar_one_or_none()
        if found is None:
            raise LookupError(job_id)
        return Stopped(Status(found), changed=False)


def time_out(log: EventLog, job_id: str) -> bool:
    """Ends a job whose deadline, or that of one of its vertices, has passed by the database's clock; false when none
    has, or the job has ended."""
    with log.transition(Order.TIME_OUT, durable=True) as transition:
        return any(
            _end(transition, job_id, Order.TIME_OUT, Status.TIMED_OUT, EventType.TIMED_OUT, message, deadline <= now())
            for message, deadline in _DEADLINES
        )


def time_input_out(log: EventLog, job_id: str) -> bool:
    """Fails a job that waits for a person for longer than the server allows; false when it does not wait any more."""
    message = "Nobody answered within the time that this server allows."
    error = orjson.dumps({"type": EventType.INPUT_TIMED_OUT, "message": message, "component_id": None}).decode()
    with log.transition(Order.INPUT_TIME_OUT, durable=True) as transition:
        event = EventType.INPUT_TIMED_OUT
        return _end(transition, job_id, Order.INPUT_TIME_OUT, Status.FAILED, event, message, error=error)


def supersede(transition: Transition, new_job: str, user_id: str, flow_id: str, session_id: str) -> list[str]:
    """Cancels the suspended jobs of a session, in the transaction that stores the new one (contract 1.1). The ids of
    those that were."""
    same = (col(Job.user_id) == user_id, col(Job.flow_id) == flow_id, col(Job.session_id) == session_id)
    waiting = select(col(Job.id)).where(*same, col(Job.status) == Status.SUSPENDED, col(Job.id) != new_job)
    found = transition.connection.execute(waiting.order_by(col(Job.id))).scalars().all()
    message = f"Job {new_job} took its place."
    return [
        job_id
        for job_id in found
        if _end(transition, job_id, Order.SUPERSEDE, Status.CANCELLED, EventType.CANCELLED, message)
    ]


def _end(
    transition: Transition,
    job_id: str,
    order: Order,
    status: Status,
    event: EventType,
    message: str,
    *conditions: ColumnElement[bool],
    **more: Any,
) -> bool:
    changes: dict[str, Any] = {"seq": col(Job.seq) + 1, "fence": col(Job.fence) + 1, **ended(status), **more}
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.status).in_(states_moved_by(order)), *conditions)
        .values(changes)
        .returning(col(Job.seq), col(Job.asking))
    )
    row = transition.connection.execute(statement).one_or_none()
    if row is None:
        return False
    withdraw(transition.connection, job_id, row.asking)
    transition.append(job_id, row.seq, [lifecycle(event, message)])
    return True
