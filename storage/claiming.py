"""How a job comes to a pass: by a compare-and-set under a new fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, bindparam, case, func, update
from sqlalchemy.sql.dml import ReturningUpdate

from flows.events import Event
from storage.clock import after, now
from storage.lanes import Lane
from storage.levels import Trust
from storage.log import EventLog
from storage.runners import RUNNER, Runner
from storage.states import Mode, Order, Status
from storage.tables import Job, table_of
from storage.turns import next_in_turn

VERTEX_MARGIN = 5.0
"""Seconds that the database lets a vertex take longer than its pass does, after the end of a lease: the pass, which can
name it, comes first, and a lost worker is taken for lost and not for slow."""

_jobs = table_of(Job).c
_is_first = _jobs.fence == 0
_HANDED_OVER = (
    "id", "fence", "mode", "seq", "attempts", "taken_from", "user_id", "flow_id", "version_id", "session_id", "request",
    "overrides", "trust", "end_user", "created_at", "deadline_at", "is_paused", "tokens", "max_tokens",
)  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """On what terms a process claims jobs: who it is, how long a lease lasts, and how long a vertex may take, without
    bound when it is None."""

    worker: str
    lease_seconds: float
    vertex_seconds: float | None = None

    @property
    def bound(self) -> dict[str, Any]:
        """The parameters of every statement that renews a lease."""
        limit = self.vertex_seconds
        allowed = None if limit is None else limit + self.lease_seconds + VERTEX_MARGIN
        return {"lease_seconds": self.lease_seconds, "vertex_seconds": allowed}


@dataclass(frozen=True)
class Claimed:
    """A job as the pass that claimed it got it. `seconds_left` is None when nothing bounds its time; `taken_from` is
    None unless an earlier pass was cut off."""

    job_id: str
    fence: int
    terms: Terms
    mode: Mode
    seq: int
    attempts: int
    taken_from: str | None
    user_id: str
    flow_id: str
    version_id: str
    session_id: str
    request: str
    overrides: bytes | None
    trust: Trust
    end_user: str | None
    runner: Runner
    created_at: datetime
    deadline_at: datetime | None
    is_paused: bool
    tokens: int
    max_tokens: int | None
    claimed_at: datetime

    @property
    def seconds_left(self) -> float | None:
        return None if self.deadline_at is None else (self.deadline_at - self.claimed_at).total_seconds()


RENEWED = {
    "lease_until": after(bindparam("lease_seconds", type_=Float)),
    "vertex_deadline_at": after(bindparam("vertex_seconds", type_=Float)),
}
"""What every write of a pass sets, its claim among them."""


def _claiming(which: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        update(table_of(Job))
        .where(which, _jobs.status == Status.QUEUED)
        .values(
            status=Status.IN_PROGRESS,
            fence=_jobs.fence + 1,
            seq=_jobs.seq + case((_is_first, bindparam("count")), else_=0),
            attempts=_jobs.attempts + 1,
            writes=0,
            wake_at=None,
            worker=bindparam("by_worker"),
            taken_from=_jobs.worker,
            started_at=func.coalesce(_jobs.started_at, now()),
            **RENEWED,
        )
        .returning(*(_jobs[name] for name in _HANDED_OVER), *RUNNER, now().label("claimed_at"))
    )


# Built once: building a statement costs more than executing it.
_CLAIM = _claiming(_jobs.id == bindparam("of_job"))
_CLAIM_NEXT = _claiming(_jobs.id == next_in_turn())


def claim(log: EventLog, job_id: str, terms: Terms, events: Sequence[Event]) -> Claimed | None:
    """Takes a certain job, if it is queued, under a new fence; None when it is not. The events are those of a first
    pass; a later one has others to tell, before anything else, when it knows what earlier ones have left.

    The lease starts in the claim itself, by the database's clock; the attempt is counted here, where no crash can
    lose the count.
    """
    return _claim(log, _CLAIM, {"of_job": job_id}, terms, events)


def claim_next(log: EventLog, lane: Lane, terms: Terms, events: Sequence[Event]) -> Claimed | None:
    """Takes the job whose turn it is in a lane; None when none waits there."""
    return _claim(log, _CLAIM_NEXT, {"lane_modes": lane.modes}, terms, events)


def _claim(
    log: EventLog, statement: ReturningUpdate[Any], which: dict[str, Any], terms: Terms, events: Sequence[Event]
) -> Claimed | None:
    bound = {**which, **terms.bound, "by_worker": terms.worker, "count": len(events)}
    with log.transition(Order.CLAIM, durable=False) as transition:
        row = transition.connection.execute(statement, bound).one_or_none()
        if row is None:
            return None
        if row.fence == 1:
            transition.append(row.id, row.seq, events)
    runner = Runner.of(row)
    handed_over = {name: row._mapping[name] for name in (*_HANDED_OVER, "claimed_at")}
    kinds = {"mode": Mode(row.mode), "trust": runner.trusted(Trust(row.trust))}
    return Claimed(job_id=handed_over.pop("id"), terms=terms, runner=runner, **{**handed_over, **kinds})
