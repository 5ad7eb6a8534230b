"""A worker process inside this one: real threads on a real broker, jobs to give them and events to wait for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from uuid import uuid4

from dramatiq import Broker, Worker

from actors.hints import Hints, wake
from actors.workforce import WorkforceConfig, make_workforce
from flows.events import EventType
from flows.human import Decision
from flows.models.defaults import ModelDefaults
from flows.outbound.policy import OutboundPolicy
from storage.answering import Answer, Woken, answer
from storage.cursor import START, Cursor
from storage.first_user import ensure_local_user
from storage.flow_store import store_version
from storage.jobs import JobView, find_job
from storage.states import Mode, Status
from storage.store import Store
from storage.stream import Entry, StreamUnavailable
from storage.submitting import NewJob, submit
from tests.shapes import Exported

PATIENCE = 30.0
"""Seconds until a test gives up waiting for a fact."""
BEGUN_AT_BOOT = ("heartbeat", "sweeper")
BEGUN_AT_THE_END = "drain"
"""The threads of the middleware."""
QUICK = WorkforceConfig(
    threads=4,
    lease_seconds=60,
    heartbeat_seconds=20,
    sweep_seconds=0.2,
    grace_seconds=5.0,
    max_attempts=3,
    max_parallel=4,
    model_defaults=ModelDefaults(),
    outbound=OutboundPolicy.allowing("127.0.0.1"),
)


class Workplace:
    """Submits jobs to a store whose workers run, and watches them."""

    def __init__(self, store: Store, broker: Broker) -> None:
        self.store = store
        self.broker = broker
        self.user_id = ensure_local_user(store.database, store.secrets, None).user_id

    def submit(self, flow: Exported, *, hinted: bool = True, mode: Mode = Mode.BACKGROUND, **given: Any) -> str:
        """A job of a flow; without a hint, as after a crash between commit and hint."""
        version_id = store_version(self.store.database, flow)
        job = NewJob(
            id=given.pop("id", None) or str(uuid4()),
            user_id=self.user_id,
            flow_id=str(uuid4()),
            version_id=version_id,
            mode=mode,
            session_id="a-session",
            request='{"input_value": "hello"}',
            **given,
        )
        submit(self.store.log, job, ())
        if hinted:
            Hints(self.broker).send(job.id, mode)
        return job.id

    def job(self, job_id: str) -> JobView:
        found = find_job(self.store.database, job_id)
        assert found is not None
        return found

    def answer(self, job_id: str, request_id: str, decision: Decision, by: str = "somebody") -> None:
        """Decides on a human request of a job, as the web does."""
        self.wake(answer(self.store.log, Answer(job_id, request_id, decision, by)))

    def wake(self, woken: Woken) -> None:
        """Tells who is to go on with a job."""
        wake(woken, Hints(self.broker), self.store.control)

    def to_suspension(self, job_id: str, times: int = 1) -> list[Entry]:
        """The log of a job, when it has asked so often and is suspended."""

        def is_there(seen: list[Entry]) -> bool:
            asked = sum(one.type == EventType.HUMAN_INPUT_REQUIRED for one in seen)
            return asked >= times and self.job(job_id).status is Status.SUSPENDED

        return self._to(job_id, is_there)

    def to_end(self, job_id: str) -> list[Entry]:
        """The log of a job, when its terminal event has come."""
        return self._to(job_id, lambda seen: bool(seen) and seen[-1].terminal)

    def _to(self, job_id: str, is_there: Callable[[list[Entry]], bool]) -> list[Entry]:
        seen: list[Entry] = []
        cursor, deadline = START, time.monotonic() + PATIENCE
        while not is_there(seen):
            assert time.monotonic() < deadline, f"the log ends with {seen[-1:]}"
            page = self.store.log.read(job_id, cursor)
            seen += page.entries
            cursor = seen[-1].cursor if seen else START
            if not page.entries:
                self._wait(job_id, cursor)
        return seen

    def _wait(self, job_id: str, cursor: Cursor) -> None:
        """Returns when there may be more in a log; a stream that is away tells nobody when."""
        try:
            self.store.stream.wait({job_id: cursor}, 1.0)
        except StreamUnavailable:
            time.sleep(0.05)


@contextmanager
def working(store: Store, config: WorkforceConfig = QUICK) -> Iterator[Workplace]:
    """A workplace whose threads have ended when the block has."""
    broker = make_workforce(store, config)
    with worker_on(broker, config.threads):
        yield Workplace(store, broker)


@contextmanager
def worker_on(broker: Broker, threads: int, worker_timeout: int = 100) -> Iterator[Worker]:
    """The threads of a worker process, and of its middleware."""
    worker = Worker(broker, worker_threads=threads, worker_timeout=worker_timeout)
    with no_thread_left(worker.start):
        try:
            yield worker
        finally:
            worker.stop(timeout=10_000)


@contextmanager
def no_thread_left(boot: Callable[[], object]) -> Iterator[None]:
    """Waits for the middleware's threads that a boot began, and those of the end, so that none is at the database
    behind the block. Other processes may boot and end meanwhile."""
    before = threads_called(*BEGUN_AT_BOOT)
    boot()
    begun = threads_called(*BEGUN_AT_BOOT) - before
    yield
    for thread in begun | threads_called(BEGUN_AT_THE_END):
        thread.join(PATIENCE)


def threads_called(*names: str) -> set[Thread]:
    """The living threads of these names."""
    return {thread for thread in threading.enumerate() if thread.name in names}


def eventually(condition: Callable[[], object]) -> None:
    """Waits for a fact that nothing announces."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.01)
