"""How a human request is decided: by a person, or by its deadline; exactly one of them wins (I5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, and_, bindparam, false, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.functions import coalesce

from flows.cards import card_block, card_id
from flows.events import Event, human_input_expired, human_input_reminder, human_input_resolved
from flows.human import Decision
from storage.auditing import Action, Actor, Deed, record
from storage.chat_memory import stamp
from storage.clock import now
from storage.errors import NotResumable
from storage.human_requests import RequestView, find_request, view_of
from storage.log import EventLog, Transition
from storage.states import Mode, Order, RequestState, Status, states_moved_by
from storage.tables import HumanRequestRow, Job, table_of
from storage.waking import SLEEPS, waking

_jobs, _requests = table_of(Job).c, table_of(HumanRequestRow).c


def _counting(order: Order, **changes: Any) -> ReturningUpdate[Any]:
    return (
        update(table_of(Job))
        .where(_jobs.id == bindparam("of_job"), _jobs.status.in_(states_moved_by(order)))
        .values(seq=_jobs.seq + 1, **changes)
        .returning(_jobs.seq, _jobs.status, _jobs.mode)
    )


_DECIDED = {"asking": _jobs.asking - 1, "unapplied": _jobs.unapplied + 1, **waking(SLEEPS)}
_COUNT_ANSWER = _counting(Order.ANSWER, **_DECIDED)
_COUNT_LAPSE = _counting(Order.LAPSE, **_DECIDED)
_COUNT_REMINDER = _counting(Order.REMIND)
_IS_OPEN = and_(
    _requests.id == bindparam("of_request"),
    _requests.job_id == bindparam("of_job"),
    _requests.state == RequestState.OPEN,
)
_ANSWER = (
    update(table_of(HumanRequestRow))
    .where(_IS_OPEN)
    .values(
        state=RequestState.ANSWERED,
        decision=bindparam("decided"),
        decided_by=bindparam("by_user"),
        decided_from=bindparam("from_address"),
        decided_at=now(),
        is_late=coalesce(_requests.deadline_at <= now(), false()),
    )
    .returning(*table_of(HumanRequestRow).c)
)
_EXPIRE = (
    update(table_of(HumanRequestRow))
    .where(_IS_OPEN, _requests.deadline_at <= now())
    .values(state=RequestState.EXPIRED, decided_at=now())
    .returning(*table_of(HumanRequestRow).c)
)
_REMIND = (
    update(table_of(HumanRequestRow))
    .where(_IS_OPEN, _requests.due_at <= now(), _requests.deadline_at > _requests.due_at)
    .values(due_at=_requests.deadline_at)
    .returning(*table_of(HumanRequestRow).c)
)


@dataclass(frozen=True)
class Answer:
    """A decision as it comes: by whom, and from which network address."""

    job_id: str
    request_id: str
    decision: Decision
    by: str
    address: str | None = None
    actor: Actor | None = None
    """Whose it is in the audit log; without it, that log does not hear of it."""


@dataclass(frozen=True)
class Woken:
    """A job that somebody or something decided on. `is_queued` says that it waits for a worker, who is to be told."""

    job_id: str
    mode: Mode
    is_queued: bool


def answer(log: EventLog, given: Answer) -> Woken:
    """Stores a decision and wakes its job, durably, in one transaction (rule 8).

    The same decision by the same person again changes nothing (I12). Raises `NotResumable`, with the one who won, when
    the request is not open (any more).
    """
    bound = {
        "of_job": given.job_id,
        "of_request": given.request_id,
        "decided": orjson.dumps(given.decision.dump()).decode(),
        "by_user": given.by,
        "from_address": given.address,
    }
    try:
        with log.transition(Order.ANSWER, durable=True) as transition:
            woken = _decide(transition, _COUNT_ANSWER, _ANSWER, bound, _resolved)
            _record(transition.connection, given)
            return woken
    except _NotOpen:
        return _decided_before(log, given)


def lapse(log: EventLog, job_id: str, request_id: str) -> Woken | None:
    """Lets the time of a request be over and wakes its job: the fallback is taken, or nothing. None when somebody has
    decided, the job has ended, or there is time left."""
    try:
        with log.transition(Order.LAPSE, durable=True) as transition:
            bound = {"of_job": job_id, "of_request": request_id}
            return _decide(transition, _COUNT_LAPSE, _EXPIRE, bound, _expired)
    except _NotOpen:
        return None


def remind(log: EventLog, job_id: str, request_id: str) -> bool:
    """Tells, once, that most of the time of a request is over; false when it is not or somebody has decided."""
    try:
        with log.transition(Order.REMIND, durable=False) as transition:
            _decide(transition, _COUNT_REMINDER, _REMIND, {"of_job": job_id, "of_request": request_id}, _reminder)
    except _NotOpen:
        return False
    return True


class _NotOpen(Exception):
    """The request is not open: the transaction is to be undone."""


def _decide(
    transition: Transition,
    counting: ReturningUpdate[Any],
    deciding: ReturningUpdate[Any],
    bound: Mapping[str, Any],
    event_of: Callable[[RequestView], Event],
) -> Woken:
    """The job's row first, so that whoever ends the job meanwhile waits for this or the other way round."""
    job = transition.connection.execute(counting, bound).one_or_none()
    if job is None:
        raise _NotOpen
    row = transition.connection.execute(deciding, bound).one_or_none()
    if row is None:
        raise _NotOpen
    request = view_of(row)
    transition.append(request.job_id, job.seq, [event_of(request)])
    if request.state is not RequestState.OPEN:
        shown = card_block(request.job_id, request.payload, submitted_action=request.taken.action_id)
        stamp(transition.connection, card_id(request.job_id, request.id), [shown])
    return Woken(request.job_id, Mode(job.mode), is_queued=job.status == Status.QUEUED)


def _record(connection: Connection, given: Answer) -> None:
    """What was chosen, not what was filled in."""
    if given.actor is not None:
        detail = {"job_id": given.job_id, "action_id": given.decision.action_id}
        record(connection, Deed(Action.REQUEST_DECIDED, given.request_id, given.actor, detail))


def _resolved(request: RequestView) -> Event:
    assert request.decided is not None
    return human_input_resolved(
        request.id, request.decided.dump(), request.decided_by or "", _iso(request.decided_at), late=request.is_late
    )


def _expired(request: RequestView) -> Event:
    return human_input_expired(request.id, request.taken.action_id)


def _reminder(request: RequestView) -> Event:
    return human_input_reminder(request.id, _iso(request.deadline_at))


def _decided_before(log: EventLog, given: Answer) -> Woken:
    """The answer to whoever came second: the same again when it is the same, else who was first."""
    found = find_request(log.database, given.job_id, given.request_id)
    if found is not None and found.decided_by == given.by and found.decided == given.decision:
        return Woken(given.job_id, Mode.BACKGROUND, is_queued=False)
    raise _not_resumable(given.request_id, found)


def _not_resumable(request_id: str, found: RequestView | None) -> NotResumable:
    if found is None:
        return NotResumable(f"There is no open human request {request_id}.")
    if found.decided is not None:
        winner = {"by": found.decided_by, "at": _iso(found.decided_at), "decision": found.decided.dump()}
        return NotResumable(f"The request was already answered by {found.decided_by}.", winner)
    if found.state is RequestState.EXPIRED:
        return NotResumable("The time to answer is over.", {"by": None, "at": _iso(found.decided_at), "decision": None})
    return NotResumable("The job ended before anybody answered.")


def _iso(moment: datetime | None) -> str:
    assert moment is not None
    return moment.isoformat()
