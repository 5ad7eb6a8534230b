"""How a suspended job comes back among those that wait for a worker."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, not_

from storage.clock import SecondsUntil, after, now
from storage.states import Status
from storage.tables import Job, table_of
from storage.turns import first_turn

_jobs = table_of(Job).c

SLEEPS = and_(_jobs.status == Status.SUSPENDED, not_(_jobs.is_paused))
"""Waits for people only, so that an answer wakes it."""

STANDS_STILL: Mapping[str, Any] = {"seconds_left": SecondsUntil(_jobs.deadline_at), "deadline_at": None}
"""What suspends the time limit of a job: the time that it waits for a person does not count."""


def waking(condition: ColumnElement[bool]) -> Mapping[str, Any]:
    """The columns of a job that is queued again, before all others, when a condition holds; its time goes on. When it
    does not hold they stay as they are."""

    def when(changed: Any, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return case((condition, changed), else_=column)

    return {
        "status": when(Status.QUEUED, _jobs.status),
        "turn": when(first_turn(), _jobs.turn),
        "hinted_at": when(now(), _jobs.hinted_at),
        "deadline_at": case(
            (and_(condition, _jobs.seconds_left.is_not(None)), after(_jobs.seconds_left)), else_=_jobs.deadline_at
        ),
        "seconds_left": when(None, _jobs.seconds_left),
    }
