"""What the sweeper looks for: jobs that should be moving and are not (rule 1)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, or_, select, update
from sqlmodel import col

from storage.clock import after, now
from storage.database import Database
from storage.states import Mode, Order, Status, states_moved_by
from storage.tables import Job

BATCH = 200
"""Jobs per sweep and kind at most; the oldest hints come first, so none waits behind others for ever."""


@dataclass(frozen=True)
class Due:
    """A job to send a hint for."""

    job_id: str
    mode: Mode


def take_due(database: Database, modes: Collection[Mode], hint_age: float) -> list[Due]:
    """Jobs of some modes that are queued, or whose lease ran out, and whose last hint is older than `hint_age` seconds.

    Each is taken by one sweeper only: the statement that finds a job also says that it was hinted just now.
    """
    waiting = or_(
        col(Job.status) == Status.QUEUED,
        and_(col(Job.status) == Status.IN_PROGRESS, col(Job.lease_until) < now()),
    )
    stale = col(Job.hinted_at) < after(-hint_age)
    # A row that somebody else is writing is moving: skipped, so that no two statements wait for each other's rows.
    oldest = (
        select(col(Job.id))
        .where(waiting, stale, col(Job.mode).in_(modes))
        .order_by(col(Job.hinted_at))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Job).where(col(Job.id).in_(oldest), stale).values(hinted_at=now()).returning(col(Job.id), col(Job.mode))
    )
    with database.relaxed() as connection:
        return [Due(row.id, Mode(row.mode)) for row in connection.execute(statement)]


def overdue(database: Database) -> list[str]:
    """Jobs whose deadline has passed."""
    statement = (
        select(col(Job.id))
        .where(col(Job.status).in_(states_moved_by(Order.TIME_OUT)), col(Job.deadline_at) <= now())
        .limit(BATCH)
    )
    with database.read() as connection:
        return list(connection.execute(statement).scalars())
