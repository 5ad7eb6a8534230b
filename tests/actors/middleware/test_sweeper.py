"""Nothing that should be moving stands still for long, with nobody's help (I1)."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from structlog.testing import capture_logs

from actors.lanes import Lane, bounds
from actors.middleware.sweeper import Sweeper
from actors.running import RunningPasses
from storage.accounts import ensure_local_user
from storage.clock import after
from storage.control import MemoryControl
from storage.database import Database
from storage.flow_store import store_version
from storage.log import EventLog
from storage.schema import migrate
from storage.secrets import Secrets, new_key
from storage.states import TERMINAL, Mode, Status
from storage.stream import EventStream
from tests.actors.queues import memory_broker, next_hint, waiting
from tests.actors.workplace import PATIENCE, eventually, no_thread_left
from tests.storage.situations import (
    JobMaker,
    brought_to,
    change,
    claimed,
    events_of,
    let_lease_expire,
    submitted,
    value_of,
)

LONG_AGO, NOT_YET = after(-600), after(600)


@contextmanager
def sweeping(
    log: EventLog, control: MemoryControl | None = None, running: RunningPasses | None = None
) -> Iterator[StubBroker]:
    """A sweeper that sends its hints to a broker that nobody works on."""
    broker = memory_broker()
    sweeper = Sweeper(log, control or MemoryControl(), running or RunningPasses(), bounds(1), 0.1)
    worker = Worker(broker, worker_threads=1)
    with no_thread_left():
        sweeper.after_worker_boot(broker, worker)
        try:
            yield broker
        finally:
            sweeper.before_worker_shutdown(broker, worker)


def hinted(log: EventLog, job_id: str, when: object) -> str:
    change(log.database, job_id, hinted_at=when)
    return job_id


def lost(log: EventLog, job_id: str) -> str:
    let_lease_expire(log.database, job_id)
    return job_id


def test_only_what_stands_still_is_hinted(log: EventLog, new_job: JobMaker) -> None:
    """Jobs that wait, or whose worker was lost, and whose last hint is old; nothing that was hinted lately, that runs
    under a lease, that is suspended or over."""
    due = {
        hinted(log, submitted(log, new_job()), LONG_AGO),
        hinted(log, submitted(log, new_job()), LONG_AGO),
        hinted(log, lost(log, claimed(log, new_job()).job_id), LONG_AGO),
    }
    hinted(log, submitted(log, new_job()), NOT_YET)
    hinted(log, lost(log, claimed(log, new_job()).job_id), NOT_YET)
    for status in (Status.IN_PROGRESS, Status.SUSPENDED, *TERMINAL):
        hinted(log, brought_to(log, new_job(), status).job_id, LONG_AGO)
    with sweeping(log) as broker:
        hints = [next_hint(broker, Lane.BACKGROUND) for _ in range(3 * len(due))]
    assert set(hints) == due
    assert waiting(broker)[Lane.INTERACTIVE] == 0


@pytest.mark.parametrize(("mode", "lane"), [("sync", Lane.INTERACTIVE), ("background", Lane.BACKGROUND)])
def test_a_hint_goes_to_the_job_s_lane(log: EventLog, new_job: JobMaker, mode: str, lane: Lane) -> None:
    """The sweeper's hints are like the first one."""
    job_id = hinted(log, submitted(log, new_job(mode=Mode(mode))), LONG_AGO)
    with sweeping(log) as broker:
        assert next_hint(broker, lane) == job_id


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_a_job_that_is_overdue_times_out(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """It ends with its terminal event, and the process that runs it is told."""
    owner = brought_to(log, new_job(), status)
    change(log.database, owner.job_id, deadline_at=after(-1))
    control, told, heard = MemoryControl(), Event(), []

    def listen(job_id: str) -> None:
        heard.append(job_id)
        told.set()

    control.listen(listen)
    with sweeping(log, control):
        assert told.wait(PATIENCE)
    assert heard == [owner.job_id]
    assert value_of(log.database, owner.job_id, "status") == Status.TIMED_OUT
    assert events_of(log, owner.job_id)[-1] == (3, "timed_out", True)


def test_a_suspended_job_has_all_the_time(log: EventLog, new_job: JobMaker) -> None:
    """While it waits for a person the deadline of its run does not end it."""
    suspended = brought_to(log, new_job(), Status.SUSPENDED).job_id
    running = claimed(log, new_job()).job_id
    for job_id in (suspended, running):
        change(log.database, job_id, deadline_at=after(-1))
    with sweeping(log):
        eventually(lambda: value_of(log.database, running, "status") == Status.TIMED_OUT)
    assert value_of(log.database, suspended, "status") == Status.SUSPENDED


def test_a_sweep_that_fails_is_repeated(stream: EventStream, new_job: JobMaker, tmp_path: Path) -> None:
    """A database that cannot be asked costs a line in the log; when it can, what waits is hinted."""
    with closing(Database(f"sqlite:///{tmp_path / 'late.db'}")) as late:
        log = EventLog(late, stream)
        with capture_logs() as lines, sweeping(log) as broker:
            eventually(lambda: "sweep_failed" in [line["event"] for line in list(lines)])
            migrate(late)
            user = ensure_local_user(late, Secrets([new_key()]), None)
            job = new_job(user_id=user.user_id, version_id=store_version(late, {"nodes": []}))
            submitted(log, job)
            assert next_hint(broker, Lane.BACKGROUND) == job.id


def test_a_full_lane_gets_no_hints(log: EventLog, new_job: JobMaker) -> None:
    """A process that has no room for a background run sends hints for interactive ones only (I10)."""
    running = RunningPasses()
    hinted(log, submitted(log, new_job()), LONG_AGO)
    with running.entered(claimed(log, new_job())):
        interactive = hinted(log, submitted(log, new_job(mode=Mode.SYNC)), LONG_AGO)
        with sweeping(log, running=running) as broker:
            hints = [next_hint(broker, Lane.INTERACTIVE) for _ in range(3)]
            assert waiting(broker)[Lane.BACKGROUND] == 0
    assert set(hints) == {interactive}
