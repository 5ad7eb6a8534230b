"""What the sweeper looks for: jobs that should be moving and are not (rule 1); and whose turn it is to look."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlmodel import col

from storage.clock import after, now
from storage.database import Database
from storage.lanes import Lane
from storage.states import Mode, Order, Status, states_moved_by
from storage.tables import Job, Sweep, table_of
from storage.turns import rests_no_more

BATCH = 200
"""Jobs per sweep and kind at most; the oldest hints come first, so none waits behind others for ever."""
ONLY = 1
"""The id of the one row of its table."""


@dataclass(frozen=True)
class Due:
    """A job to send a hint for."""

    job_id: str
    mode: Mode


def begin_sweep(database: Database, worker: str, every: float) -> bool:
    """Takes the turn to sweep, of all processes at once; false when another sweep began within `every` seconds.

    Nothing is locked meanwhile: when the process dies, the next turn is another's.
    """
    insert = database.insert(Sweep).values(id=ONLY, worker=worker, begun_at=now())
    statement = insert.on_conflict_do_update(
        index_elements=["id"], set_={"worker": worker, "begun_at": now()}, where=col(Sweep.begun_at) < after(-every)
    ).returning(col(Sweep.id))
    with database.relaxed() as connection:
        return connection.execute(statement).one_or_none() is not None


def end_sweep(database: Database) -> None:
    """Records that everything was looked at."""
    with database.relaxed() as connection:
        connection.execute(update(Sweep).where(col(Sweep.id) == ONLY).values(finished_at=now()))


def count_queued(database: Database, lane: Lane) -> int:
    """How many jobs wait in a lane."""
    statement = select(func.count()).where(col(Job.status) == Status.QUEUED, col(Job.mode).in_(lane.modes))
    with database.read() as connection:
        return int(connection.execute(statement).scalar_one())


def take_due(database: Database, lane: Lane, hint_age: float, most: int = BATCH) -> list[Due]:
    """Queued jobs of a lane whose last hint is older than `hint_age` seconds, at most so many; now they are hinted. One
    that rests is not among them."""
    stale = col(Job.hinted_at) < after(-hint_age)
    # A row that somebody else is writing is moving: skipped, so that no two statements wait for each other's rows. As a
    # table of its own it is read once: PostgreSQL may read a subquery again for every row, each time other ones.
    oldest = (
        select(col(Job.id))
        .where(col(Job.status) == Status.QUEUED, stale, col(Job.mode).in_(lane.modes), rests_no_more(table_of(Job).c))
        .order_by(col(Job.hinted_at))
        .limit(min(most, BATCH))
        .with_for_update(skip_locked=True)
        .cte("oldest")
    )
    statement = (
        update(Job)
        .where(col(Job.id).in_(select(oldest.c.id)), stale)
        .values(hinted_at=now())
        .returning(col(Job.id), col(Job.mode))
    )
    with database.relaxed() as connection:
        return [Due(row.id, Mode(row.mode)) for row in connection.execute(statement)]


def overdue(database: Database) -> list[str]:
    """Jobs whose deadline, or that of one of their vertices, has passed."""
    statement = (
        select(col(Job.id))
        .where(col(Job.status).in_(states_moved_by(Order.TIME_OUT)))
        .where(or_(col(Job.deadline_at) <= now(), col(Job.vertex_deadline_at) <= now()))
        .limit(BATCH)
    )
    with database.read() as connection:
        return list(connection.execute(statement).scalars())
