"""What a pass stores when a vertex needs a person, and when nothing else is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, delete, func, insert, or_, select

from flows.cards import card
from flows.dialogue import Asked
from flows.events import Event, human_input_required
from flows.human import REMINDER_SHARE, HumanRequest
from storage.advancing import Advance, Standing
from storage.chat_memory import remember
from storage.claiming import Claimed
from storage.clock import now
from storage.database import Database
from storage.log import EventLog
from storage.states import Order, RequestState, Status
from storage.tables import Answerer, HumanRequestRow, Job, VertexIntent, table_of
from storage.waking import STANDS_STILL
from storage.withdrawing import apply

_jobs, _requests, _intents = (table_of(table).c for table in (Job, HumanRequestRow, VertexIntent))

_ASK = Advance(asking=_jobs.asking + 1, unapplied=_jobs.unapplied - bindparam("applied"), attempts=1)
_SUSPEND = Advance(
    **STANDS_STILL,
    where=or_(_jobs.is_paused, and_(bindparam("waits"), _jobs.asking > 0, _jobs.unapplied == bindparam("applied"))),
    unapplied=_jobs.unapplied - bindparam("applied"),
    status=Status.SUSPENDED,
    worker=None,
    lease_until=None,
    vertex_deadline_at=None,
    attempts=0,
)
_NUMBER = select(func.count() + 1).where(_requests.job_id == bindparam("of_job")).scalar_subquery()
_ADD = insert(table_of(HumanRequestRow)).values(number=_NUMBER)
_FORGET_INTENT = (
    delete(table_of(VertexIntent))
    .where(_intents.job_id == bindparam("of_job"), _intents.vertex_id == bindparam("of_vertex"))
    .where(_intents.visit == bindparam("of_visit"))
)


@dataclass(frozen=True)
class NewRequest:
    """One human request as a pass is about to store it. `applies` are the requests that its vertex has gone on from."""

    id: str
    vertex_id: str
    visit: int
    request: HumanRequest
    asked_at: datetime
    applies: Sequence[str] = ()

    @property
    def payload(self) -> dict[str, Any]:
        return self.request.payload(self.id, self.asked_at)

    def after(self, seconds: float | None) -> datetime | None:
        """A moment behind that of the request; None for never."""
        return None if not seconds else self.asked_at + timedelta(seconds=seconds)

    @property
    def as_asked(self) -> Asked:
        """The request as it stands when it is stored."""
        return Asked(self.id, self.vertex_id, self.visit, self.request.kind, self.request.digest, None)


def moment(database: Database) -> datetime:
    """The database's time, for what is shown and stored alike."""
    with database.read() as connection:
        found: datetime = connection.execute(select(now())).scalar_one()
    return found


def ask(
    log: EventLog, claimed: Claimed, new: NewRequest, events: Sequence[Event], written: int | None = None
) -> Standing:
    """Stores a human request behind some milestones, with its event and its card, durably. Raises `PassLost`."""
    asked = [*events, human_input_required(new.payload)]
    with log.transition(Order.ASK, durable=True) as transition:
        connection = transition.connection
        standing = _ASK(transition, claimed, asked, written, applied=len(new.applies))
        apply(transition.connection, new.applies)
        connection.execute(
            _FORGET_INTENT, {"of_job": claimed.job_id, "of_vertex": new.vertex_id, "of_visit": new.visit}
        )
        connection.execute(_ADD, {**_row(claimed, new), "of_job": claimed.job_id})
        if new.request.answerers:
            names = dict.fromkeys(new.request.answerers)
            connection.execute(insert(Answerer), [{"request_id": new.id, "user_name": name} for name in names])
        remember(connection, [card(claimed.job_id, claimed.flow_id, claimed.session_id, new.payload, new.asked_at)])
    return standing


def suspend(
    log: EventLog, claimed: Claimed, written: int | None = None, *, waits: bool = True, applies: Sequence[str] = ()
) -> Standing:
    """Lets a job stand still, holding nothing (rule 7): one that `waits` for people, or that somebody has paused. The
    vertices that wait have gone on, as far as they can, from the requests that it `applies`.

    Raises `PassLost`; also when there is something to do again, because an answer has come that no vertex has gone on
    from, or whoever paused the job has let it go on."""
    with log.transition(Order.SUSPEND, durable=True, one_write=not applies) as transition:
        standing = _SUSPEND(transition, claimed, (), written, waits=waits, applied=len(applies))
        apply(transition.connection, applies)
        return standing


def _row(claimed: Claimed, new: NewRequest) -> dict[str, Any]:
    request, timeout = new.request, new.request.timeout_seconds
    return {
        "id": new.id,
        "job_id": claimed.job_id,
        "user_id": claimed.user_id,
        "flow_id": claimed.flow_id,
        "vertex_id": new.vertex_id,
        "visit": new.visit,
        "kind": request.kind,
        "state": RequestState.OPEN,
        "digest": request.digest,
        "payload": orjson.dumps(new.payload).decode(),
        "asked_at": new.asked_at,
        "deadline_at": new.after(timeout),
        "due_at": new.after(timeout and timeout * REMINDER_SHARE),
        "is_late": False,
        "is_applied": False,
    }
