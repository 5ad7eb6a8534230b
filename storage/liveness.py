"""Who works, and how the work stands: what tells a service that is alive from one that only answers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlmodel import col

from storage.clock import after, now
from storage.database import Database
from storage.states import Status
from storage.tables import Job, Sweep, WorkerProcess

FORGOTTEN_SECONDS = 3_600.0
"""When a process that reports itself no more is forgotten."""


@dataclass(frozen=True)
class Report:
    """What one working process says of itself. `stuck` threads are held by passes that are over and do not end."""

    worker: str
    threads: int
    running: int
    stuck: int
    seconds_since_claim: float | None


@dataclass(frozen=True)
class Standing:
    """How the work stands by the database's clock; ages and distances in seconds, None for never. Processes and threads
    are those that are alive.

    `lease_left` is that of the oldest lease: below 0, its worker was lost and nobody has noticed yet.
    """

    workers: int
    threads: int
    free_threads: int
    stuck_threads: int
    longest_up: float | None
    last_claim: float | None
    queued: int
    oldest_queued: float | None
    running: int
    lease_left: float | None
    last_sweep: float | None

    def faults(self, patience: float) -> list[str]:
        """What keeps jobs from moving, each with its remedy; nothing may stand still for longer than `patience`."""
        waits = self.oldest_queued is not None and self.oldest_queued > patience
        idle = self.last_claim is None or self.last_claim > patience
        # A quarter of the threads may be free on purpose, for runs that somebody waits for.
        free = self.free_threads > max(self.workers, self.threads // 4)
        had_time = self.longest_up is not None and self.longest_up > patience
        unswept = had_time and (self.last_sweep is None or self.last_sweep > patience)
        found = {
            "No worker process has reported itself lately. Start one.": self.workers == 0,
            f"All {self.threads} threads are held by runs that are over and do not end. Restart the workers.": (
                0 < self.threads == self.stuck_threads
            ),
            "Jobs wait, threads are free, and nothing is claimed. Look at the log of the workers.": (
                had_time and waits and idle and free
            ),
            "No sweep has come to its end lately. Look at the log of the workers.": unswept,
        }
        return [fault for fault, holds in found.items() if holds]


def report(database: Database, found: Report) -> None:
    """Stores what a process says of itself."""
    claimed_at = None if found.seconds_since_claim is None else after(-found.seconds_since_claim)
    changes = {
        "threads": found.threads,
        "running": found.running,
        "stuck": found.stuck,
        "seen_at": now(),
        "claimed_at": claimed_at,
    }
    insert = database.insert(WorkerProcess).values(id=found.worker, started_at=now(), **changes)
    with database.relaxed() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=changes))


def leave(database: Database, worker: str) -> None:
    """Forgets a process that ends."""
    with database.relaxed() as connection:
        connection.execute(delete(WorkerProcess).where(col(WorkerProcess.id) == worker))


def forget_the_silent(database: Database) -> None:
    """Forgets processes that ended without a word."""
    with database.relaxed() as connection:
        connection.execute(delete(WorkerProcess).where(col(WorkerProcess.seen_at) < after(-FORGOTTEN_SECONDS)))


def standing(database: Database, alive_within: float) -> Standing:
    """How the work stands. A process counts as alive that reported itself within `alive_within` seconds."""
    alive = col(WorkerProcess.seen_at) > after(-alive_within)
    of_workers = select(
        func.count(),
        func.coalesce(func.sum(col(WorkerProcess.threads)), 0),
        func.coalesce(func.sum(col(WorkerProcess.threads) - col(WorkerProcess.running)), 0),
        func.coalesce(func.sum(col(WorkerProcess.stuck)), 0),
        func.min(col(WorkerProcess.started_at)),
        now(),
    ).where(alive)
    claimed = select(func.max(col(WorkerProcess.claimed_at)), now())
    queued = select(func.count(), func.min(col(Job.created_at)), now()).where(_is(Status.QUEUED))
    running = select(func.count(), func.min(col(Job.lease_until)), now()).where(_is(Status.IN_PROGRESS))
    swept = select(func.max(col(Sweep.finished_at)), now())
    with database.read() as connection:
        workers, threads, free, stuck, up, at_work = connection.execute(of_workers).one()
        last_claim, at_claim = connection.execute(claimed).one()
        waiting, oldest, at_queue = connection.execute(queued).one()
        working, lease, at_lease = connection.execute(running).one()
        last_sweep, at_sweep = connection.execute(swept).one()
    return Standing(
        workers=workers,
        threads=int(threads),
        free_threads=int(free),
        stuck_threads=int(stuck),
        longest_up=_seconds(up, at_work),
        last_claim=_seconds(last_claim, at_claim),
        queued=waiting,
        oldest_queued=_seconds(oldest, at_queue),
        running=working,
        lease_left=_seconds(at_lease, lease) if lease else None,
        last_sweep=_seconds(last_sweep, at_sweep),
    )


def _is(status: Status) -> ColumnElement[bool]:
    return col(Job.status) == status


def _seconds(since: datetime | None, until: datetime) -> float | None:
    return None if since is None else (until - since).total_seconds()
