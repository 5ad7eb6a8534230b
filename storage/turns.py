"""Whose turn it is: queued jobs of a lane are claimed so that users alternate, however many each of them has waiting.

Each queued job has a number, its *turn*. A user's first waiting job gets the number that is being served, each further
one the next number after their last. The lowest number is claimed first, of equal ones the oldest job. So a backlog of
one user delays another by one job, not by the backlog. Jobs that were cut off share a number before all others, and no
newcomer gets it. Price: three look-ups in an index per submit at most.
"""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, ScalarSelect, and_, bindparam, func, or_, select
from sqlalchemy.sql.functions import coalesce

from storage.clock import now
from storage.levels import Trust
from storage.states import Mode, Status
from storage.tables import Job, table_of

_jobs = table_of(Job).c
_waiting = table_of(Job).alias("waiting")
_queued = _waiting.c.status == Status.QUEUED
_of_lane = _waiting.c.mode.in_(bindparam("lane_modes", expanding=True))
_of_same_lane = (_waiting.c.mode == Mode.BACKGROUND) == (_jobs.mode == Mode.BACKGROUND)
_is_new = _waiting.c.fence == 0
"""No pass has had it."""


def rests_no_more(jobs: Any) -> ColumnElement[bool]:
    """Whether jobs that were set aside, if they were, may be tried again."""
    return or_(jobs.wake_at.is_(None), jobs.wake_at <= now())


def of_same_user(jobs: Any) -> ColumnElement[bool]:
    """Whether jobs wait in the line of the user `of_user`: the runs of the public, `of_public`, of one's flows have a
    line of their own beside one's own runs (fault F16)."""
    is_public = jobs.trust == Trust.PUBLIC
    return and_(jobs.user_id == bindparam("of_user"), is_public == bindparam("of_public", type_=Boolean))


def last_turn() -> "coalesce[int]":
    """The turn of a new job of the user `of_user` in the lane `lane_modes`."""
    own = select(func.max(_waiting.c.turn) + 1).where(_queued, _of_lane, of_same_user(_waiting.c))
    served = select(func.min(_waiting.c.turn)).where(_queued, _of_lane, _is_new)
    behind_cut_off = select(func.max(_waiting.c.turn) + 1).where(_queued, _of_lane)
    return coalesce(own.scalar_subquery(), served.scalar_subquery(), behind_cut_off.scalar_subquery(), 0)


def first_turn() -> "coalesce[int]":
    """A turn before all others of its lane: that of a job which has been served once and was cut off."""
    before_new = select(func.min(_waiting.c.turn) - 1).where(_queued, _of_same_lane, _is_new)
    beside_cut_off = select(func.min(_waiting.c.turn)).where(_queued, _of_same_lane)
    return coalesce(before_new.scalar_subquery(), beside_cut_off.scalar_subquery(), 0)


def next_in_turn() -> ScalarSelect[str]:
    """The job of the lane `lane_modes` that is to be claimed next. One that rests, or that another worker is claiming,
    is passed by."""
    return (
        select(_waiting.c.id)
        .where(_queued, _of_lane, rests_no_more(_waiting.c))
        .order_by(_waiting.c.turn, _waiting.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=_waiting)
        .scalar_subquery()
    )
