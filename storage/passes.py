"""What the pass that owns a job may do: one function per transition, each one transaction under its fence."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, case, delete, insert, select, tuple_, update

from flows.codec import encode_outputs, plain
from flows.events import Event
from flows.journal import Step, VertexResult
from flows.messages import MessageRecord
from storage.advancing import STANDING, Advance, Standing
from storage.chat_memory import remember
from storage.claiming import RENEWED, Claimed, Terms
from storage.clock import after, now
from storage.database import Database
from storage.errors import PassLost
from storage.log import EventLog
from storage.states import Order, Status
from storage.tables import CheckpointRow, Job, VertexIntent, table_of
from storage.turns import first_turn
from storage.withdrawing import apply, withdraw


def ended(status: Status) -> Mapping[str, Any]:
    """The columns of a job that ended: no owner, no lease, no secrets (rule 12)."""
    return {"status": status, "finished_at": now(), "overrides": None, "worker": None, **UNBOUND}


UNBOUND: Mapping[str, Any] = {"lease_until": None, "vertex_deadline_at": None}
"""The columns of a job that no pass owns."""


REST_SECONDS = 10.0
"""How long a job rests before a worker, which may be the same again, tries whether it can read its secrets."""

_jobs, _checkpoints = table_of(Job).c, table_of(CheckpointRow).c
_ANNOUNCE = Advance()
# Whoever gets further may be tried as often again.
_STEP: Mapping[str, Any] = {"attempts": 1, "tokens": _jobs.tokens + bindparam("spent")}
_KEEP = Advance(**_STEP)
_FINISH_VERTEX = Advance(**_STEP, with_result=True)
_FINISH_ASKER = Advance(**_STEP, unapplied=_jobs.unapplied - bindparam("applied"), with_result=True)
_COMPLETE = Advance(**ended(Status.COMPLETED))
_FAIL = Advance(**ended(Status.FAILED), error=bindparam("stored_error"))
_EXPIRE = Advance(**ended(Status.TIMED_OUT), error=bindparam("stored_error"))
_RELEASE = Advance(
    **UNBOUND,
    status=Status.QUEUED,
    worker=case((bindparam("cut_off"), _jobs.worker), else_=None),
    attempts=_jobs.attempts - 1,
    turn=first_turn(),
    hinted_at=now(),
)
_SET_ASIDE = Advance(
    **UNBOUND,
    status=Status.QUEUED,
    worker=case((bindparam("cut_off"), _jobs.worker), else_=_jobs.taken_from),
    attempts=_jobs.attempts - 1,
    turn=first_turn(),
    hinted_at=now(),
    wake_at=after(REST_SECONDS),
)
_RENEW = (
    update(table_of(Job))
    .where(tuple_(_jobs.id, _jobs.fence).in_(bindparam("fences", expanding=True)))
    .where(_jobs.status == Status.IN_PROGRESS)
    .values(lease_until=RENEWED["lease_until"])
    .returning(_jobs.id)
)
_REACHED = select(_jobs.writes, *STANDING).where(
    _jobs.id == bindparam("of_job"), _jobs.fence == bindparam("under_fence")
)
_ADD_INTENT = insert(table_of(VertexIntent)).values(created_at=now())
_ADD_CHECKPOINT = insert(table_of(CheckpointRow)).values(created_at=now())
_FORGET_CHECKPOINTS = (
    delete(table_of(CheckpointRow))
    .where(_checkpoints.job_id == bindparam("of_job"), _checkpoints.vertex_id == bindparam("of_vertex"))
    .where(_checkpoints.visit == bindparam("of_visit"))
)


def announce(log: EventLog, claimed: Claimed, events: Sequence[Event], written: int | None = None) -> Standing:
    """Adds milestones. Raises `PassLost`.

    Here and below, a write that says how often the pass has `written` is refused as `PassLost` too when it, or another,
    has taken place meanwhile.
    """
    with log.transition(Order.ANNOUNCE, durable=False, one_write=True) as transition:
        return _ANNOUNCE(transition, claimed, events, written)


def intend(log: EventLog, claimed: Claimed, vertex_id: str, visit: int) -> Standing:
    """Stores, durably, that a vertex is about to do what must not happen twice (rule 6). Raises `PassLost`."""
    row = {"job_id": claimed.job_id, "vertex_id": vertex_id, "visit": visit, "fence": claimed.fence}
    with log.transition(Order.INTEND, durable=True) as transition:
        cursor = _ANNOUNCE(transition, claimed, ())
        transition.connection.execute(_ADD_INTENT, row)
    return cursor


def keep(log: EventLog, claimed: Claimed, step: Step, written: int | None = None) -> Standing:
    """Stores a step that a vertex has done, with all that belongs to it. Raises `PassLost`.

    Raises `ValueWithoutCodec`, before anything is written, for content that is not plain JSON.
    """
    checkpoint = step.checkpoint
    row = {
        "job_id": claimed.job_id,
        "vertex_id": checkpoint.vertex_id,
        "visit": checkpoint.visit,
        "name": checkpoint.name,
        "content": orjson.dumps(plain(checkpoint.content, checkpoint.name)).decode(),
    }
    with log.transition(Order.KEEP, durable=step.durable) as transition:
        standing = _KEEP(transition, claimed, step.events, written, spent=step.spent)
        transition.connection.execute(_ADD_CHECKPOINT, row)
        remember(transition.connection, step.messages)
    return standing


def finish_vertex(
    log: EventLog,
    claimed: Claimed,
    result: VertexResult,
    events: Sequence[Event],
    messages: Sequence[MessageRecord],
    written: int | None = None,
    applies: Sequence[str] = (),
    *,
    spent: int = 0,
    has_checkpoints: bool = False,
) -> Standing:
    """Stores a finished vertex: result, milestones, chat messages, a renewed lease, the tokens it has `spent` since
    its last checkpoint, and that it has gone on from the human requests that it `applies` (rule 8). What it had kept
    of its steps goes. Raises `PassLost`.

    Raises `ValueWithoutCodec`, before anything is written, for an output that cannot be stored.
    """
    outputs = encode_outputs(result.outputs).decode()
    values = {"vertex_id": result.vertex_id, "visit": result.visit, "outputs": outputs, "spent": spent}
    one_write = not (messages or applies or has_checkpoints)
    with log.transition(Order.FINISH_VERTEX, durable=bool(applies), one_write=one_write) as transition:
        if applies:
            standing = _FINISH_ASKER(transition, claimed, events, written, applied=len(applies), **values)
        else:
            standing = _FINISH_VERTEX(transition, claimed, events, written, **values)
        apply(transition.connection, applies)
        remember(transition.connection, messages)
        if has_checkpoints:
            gone = {"of_job": claimed.job_id, "of_vertex": result.vertex_id, "of_visit": result.visit}
            transition.connection.execute(_FORGET_CHECKPOINTS, gone)
    return standing


def complete(
    log: EventLog, claimed: Claimed, events: Sequence[Event], written: int | None = None, *, asks: bool = False
) -> Standing:
    """Ends a job whose vertices are all finished; the last event is the terminal one. One that still `asks` takes that
    back: a flow that an agent runs may have failed while somebody was asked in it. Raises `PassLost`."""
    with log.transition(Order.COMPLETE, durable=True, one_write=not asks) as transition:
        standing = _COMPLETE(transition, claimed, events, written)
        if asks:
            withdraw(transition.connection, claimed.job_id, standing.asking)
    return standing


def fail(log: EventLog, claimed: Claimed, error: str, events: Sequence[Event], written: int | None = None) -> Standing:
    """Ends a job with an error, JSON as it is stored; the last event is the terminal one. Raises `PassLost`."""
    with log.transition(Order.FAIL, durable=True) as transition:
        standing = _FAIL(transition, claimed, events, written, stored_error=error)
        withdraw(transition.connection, claimed.job_id, standing.asking)
    return standing


def expire(
    log: EventLog, claimed: Claimed, error: str, events: Sequence[Event], written: int | None = None
) -> Standing:
    """Ends a job of which a vertex took longer than it may; else as `fail`. Raises `PassLost`."""
    with log.transition(Order.EXPIRE, durable=True) as transition:
        standing = _EXPIRE(transition, claimed, events, written, stored_error=error)
        withdraw(transition.connection, claimed.job_id, standing.asking)
    return standing


def release(log: EventLog, claimed: Claimed, *, cut_off: bool) -> None:
    """Hands a job on, unfinished: it is queued again, before all others, and the attempt is not counted.

    `cut_off` says that vertices were left half built, which the next pass then tells. Raises `PassLost`.
    """
    with log.transition(Order.RELEASE, durable=False, one_write=True) as transition:
        _RELEASE(transition, claimed, (), cut_off=cut_off)


def set_aside(log: EventLog, claimed: Claimed, *, cut_off: bool) -> None:
    """Hands a job back whose secrets this process cannot read; else as `release`. It rests a while, so that it is
    neither tried without end nor in the way of others, until a worker comes that can. Raises `PassLost`.

    Not `cut_off`, it is as it was before the pass.
    """
    with log.transition(Order.RELEASE, durable=False, one_write=True) as transition:
        _SET_ASIDE(transition, claimed, (), cut_off=cut_off)


def renew(database: Database, owned: Collection[Claimed], terms: Terms) -> set[str]:
    """Renews the leases of all passes of a process in one statement; returns the jobs that it still owns."""
    fences = [(claimed.job_id, claimed.fence) for claimed in owned]
    with database.relaxed() as connection:
        found = connection.execute(_RENEW, {"fences": fences, "lease_seconds": terms.lease_seconds})
        return set(found.scalars())


def reached(database: Database, claimed: Claimed) -> tuple[int, Standing]:
    """How often a pass has written, and where its job stands. Raises `PassLost`."""
    bound = {"of_job": claimed.job_id, "under_fence": claimed.fence}
    with database.read() as connection:
        row = connection.execute(_REACHED, bound).one_or_none()
    if row is None:
        raise PassLost(f"Job {claimed.job_id} is no longer owned under fence {claimed.fence}.")
    return row.writes, Standing.of(row)
