"""One thread keeps what the process owns, ends what it has lost, and tells that the process lives."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from actors.broker import make_broker
from actors.lanes import bounds
from actors.middleware.heartbeat import Heartbeat
from actors.running import Pass, RunningPasses
from actors.tenure import Tenure
from storage.claiming import Claimed
from storage.database import Database
from storage.ending import stop
from storage.errors import PassLost
from storage.log import EventLog
from storage.schema import migrate
from storage.tables import WorkerProcess, table_of
from tests.actors.passes import a_claim, a_pass
from tests.actors.workplace import PATIENCE, eventually, worker_on
from tests.storage.situations import (
    LEASE_SECONDS,
    JobMaker,
    change,
    claimed,
    let_lease_expire,
    lies_in_the_future,
    terms_of,
    value_of,
)

THREADS = 3


@contextmanager
def beating(database: Database, running: RunningPasses) -> Iterator[None]:
    """A worker process without work, whose heart beats fast."""
    heartbeat = Heartbeat(database, running, terms_of("a-worker"), THREADS, 0.02)
    with worker_on(make_broker(None, [heartbeat], bounds(1)), 1):
        yield


def workers(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table_of(WorkerProcess))).all())


def test_a_lease_is_renewed(log: EventLog, new_job: JobMaker) -> None:
    """Every running pass keeps its job by the database's clock, a pass that has ended does not."""
    running, kept, ended = RunningPasses(), claimed(log, new_job()), claimed(log, new_job())
    for owner in (kept, ended):
        let_lease_expire(log.database, owner.job_id)
    with beating(log.database, running), running.entered(a_pass(kept)):
        eventually(lambda: lies_in_the_future(log.database, kept.job_id, "lease_until"))
    assert not lies_in_the_future(log.database, ended.job_id, "lease_until")
    assert value_of(log.database, kept.job_id, "fence") == kept.fence


def test_a_pass_learns_that_it_was_renewed(log: EventLog, new_job: JobMaker) -> None:
    """By the same beats by which the database learns it, one that is past its half starts vertices again."""
    running, owner = RunningPasses(), claimed(log, new_job())
    stale = Pass(owner, Tenure(LEASE_SECONDS, time.monotonic, time.monotonic() - 0.75 * LEASE_SECONDS))
    assert not stale.tenure.is_fresh
    with beating(log.database, running), running.entered(stale):
        eventually(lambda: stale.tenure.is_fresh)


def overtake(log: EventLog, owner: Claimed) -> None:
    """Gives the job to a newer fence at once: between two statements the heart would beat, and keep it."""
    change(log.database, owner.job_id, fence=owner.fence + 1)


async def hold(running: RunningPasses, owned: list[Pass], then: Callable[[], object]) -> None:
    """Runs a pass that waits for ever, beside others that only count as running."""
    with ExitStack() as stack:
        for owner in owned:
            stack.enter_context(running.entered(owner))
        with owned[0].cancellable():
            then()
            await asyncio.Event().wait()


@pytest.mark.parametrize("how", ["taken over", "stopped"])
def test_a_pass_whose_row_is_not_its_own_is_ended(log: EventLog, new_job: JobMaker, how: str) -> None:
    """It learns within a beat, though it writes nothing."""
    running, owner, other = RunningPasses(), claimed(log, new_job()), claimed(log, new_job())

    def lose() -> None:
        if how == "taken over":
            overtake(log, owner)
        else:
            stop(log, owner.job_id, owner.user_id)

    held = hold(running, [a_pass(owner), a_pass(other)], lose)
    with beating(log.database, running), pytest.raises(PassLost, match=owner.job_id):
        asyncio.run(asyncio.wait_for(held, PATIENCE))


def test_the_loss_of_one_leaves_the_others(log: EventLog, new_job: JobMaker) -> None:
    """A pass that still has its job goes on while another one is lost."""
    running, owner, lost = RunningPasses(), claimed(log, new_job()), claimed(log, new_job())
    kept = a_pass(owner)

    async def scenario() -> None:
        with running.entered(kept), kept.cancellable():
            with pytest.raises(PassLost):
                await asyncio.create_task(hold(running, [a_pass(lost)], lambda: overtake(log, lost)))
            let_lease_expire(log.database, owner.job_id)
            await asyncio.to_thread(eventually, lambda: lies_in_the_future(log.database, owner.job_id, "lease_until"))

    with beating(log.database, running):
        asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


def test_a_process_reports_itself_until_it_leaves(log: EventLog, new_job: JobMaker) -> None:
    """From its start: how many threads it has, how many run a pass, how many are held by one that is over."""
    running, owner = RunningPasses(), claimed(log, new_job())
    over = a_pass(a_claim("an-ended-job"))
    with beating(log.database, running):
        eventually(lambda: workers(log.database))
        [idle] = workers(log.database)
        assert (idle.id, idle.threads, idle.running, idle.stuck, idle.claimed_at) == ("a-worker", THREADS, 0, 0, None)
        with running.entered(a_pass(owner)), running.entered(over):
            over.lose()
            eventually(lambda: [(busy.running, busy.stuck) for busy in workers(log.database)] == [(2, 1)])
            [busy] = workers(log.database)
        assert busy.claimed_at is not None
        assert busy.started_at <= idle.seen_at <= busy.seen_at
    assert workers(log.database) == []


def test_a_beat_that_fails_is_repeated(tmp_path: Path) -> None:
    """A database that cannot be asked costs a line in the log, not the passes of the process (fault A16)."""
    opened = closing(Database(f"sqlite:///{tmp_path / 'late.db'}"))
    with opened as late, capture_logs() as lines, beating(late, RunningPasses()):
        eventually(lambda: "heartbeat_failed" in [line["event"] for line in list(lines)])
        migrate(late)
        eventually(lambda: workers(late))


class BrokenPasses(RunningPasses):
    """Passes of a process that are counted wrongly a few times."""

    failures = 3

    def all(self) -> list[Pass]:
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError
        return list(super().all())


def test_no_error_of_any_kind_stops_the_heart(log: EventLog, new_job: JobMaker) -> None:
    """Without a beat every pass of the process is lost."""
    running, owner = BrokenPasses(), claimed(log, new_job())
    let_lease_expire(log.database, owner.job_id)
    with capture_logs() as lines, beating(log.database, running), running.entered(a_pass(owner)):
        eventually(lambda: lies_in_the_future(log.database, owner.job_id, "lease_until"))
    assert "heartbeat_failed" in [line["event"] for line in lines]
