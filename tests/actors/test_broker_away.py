"""Work goes on while Redis is away: workers look for themselves, and by hints again when it is back (rule 5, I11)."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from threading import Event, Semaphore
from typing import Any

import pytest
from dramatiq import Actor

from actors.broker import RedisLanes, make_broker
from actors.hints import ACTOR
from actors.lanes import bounds
from storage.lanes import Lane
from storage.redis_link import RedisAway, RedisLink
from storage.secrets import new_key
from storage.states import Mode, Status
from storage.store import Store, StoreConfig
from tests import services
from tests.actors.stage import Gate, Stage, open_staged, scripted_flow
from tests.actors.workplace import PATIENCE, QUICK, Workplace, eventually, worker_on, working
from tests.making import echo_flow
from tests.services import RedisServer

pytestmark = pytest.mark.real_services

UNSWEPT = replace(QUICK, sweep_seconds=600)
"""Nothing moves here that neither a hint nor a look of a worker moves."""
THREADS = 4


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    with services.running_redis() as started:
        yield started


@pytest.fixture
def store(sqlite_url: str, server: RedisServer, stage: Stage) -> Iterator[Store]:
    with closing(open_staged(StoreConfig(sqlite_url, server.url, [new_key()]), stage)) as opened:
        yield opened


def is_reached(workplace: Workplace) -> bool:
    """Whether this process knows its Redis to be there."""
    assert isinstance(workplace.broker, RedisLanes)
    try:
        workplace.broker.waiting(Lane.BACKGROUND)
    except RedisAway:
        return False
    return True


def completes(workplace: Workplace, job_id: str) -> bool:
    workplace.to_end(job_id)
    return workplace.job(job_id).status is Status.COMPLETED


def test_jobs_are_claimed_and_run_while_redis_is_away(store: Store, server: RedisServer) -> None:
    """Of every mode, without a hint and without a sweep, and by hints again when Redis is back."""
    with working(store, UNSWEPT) as workplace:
        server.kill()
        jobs = [workplace.submit(echo_flow(), mode=mode) for mode in (*Mode, *Mode)]
        assert all(completes(workplace, job_id) for job_id in jobs)
        server.start()
        eventually(lambda: is_reached(workplace))
        for mode in Mode:
            assert completes(workplace, workplace.submit(echo_flow(), mode=mode))


def test_a_redis_that_was_emptied_and_restarted_loses_no_job(store: Store, server: RedisServer, stage: Stage) -> None:
    """What waited in its queues waits in the database (I11)."""
    gate = stage.acts["Scripted-1"] = Gate()
    with working(store, replace(QUICK, threads=1)) as workplace:
        runs, waits = (workplace.submit(scripted_flow(1)) for _ in range(2))
        assert gate.began.wait(PATIENCE)
        server.kill()
        server.start()
        gate.open()
        assert all(completes(workplace, job_id) for job_id in (runs, waits))


def test_a_finished_run_does_not_hold_its_thread_while_redis_is_away(
    store: Store, server: RedisServer, stage: Stage
) -> None:
    """Its hint cannot be acknowledged; the one thread there is takes the next job all the same."""
    gate = stage.acts["Scripted-1"] = Gate()
    with working(store, replace(UNSWEPT, threads=1)) as workplace:
        first = workplace.submit(scripted_flow(1))
        assert gate.began.wait(PATIENCE)
        server.kill()
        second = workplace.submit(echo_flow())
        gate.open()
        assert completes(workplace, first)
        assert completes(workplace, second)


def test_a_backlog_never_takes_the_last_thread_though_redis_is_away(server: RedisServer) -> None:
    """Looks for background runs leave room for those that somebody waits for, as hints do."""
    began, quick, let_go = Semaphore(0), Semaphore(0), Event()

    def build(job_id: str, lane: str) -> None:
        assert job_id == ""
        if lane == Lane.BACKGROUND:
            began.release()
            assert let_go.wait(PATIENCE)
        else:
            quick.release()

    with closing(RedisLink(server.url)) as link:
        broker = make_broker(link, [], bounds(THREADS))
        options: dict[str, Any] = {"max_retries": 0}
        Actor(build, broker=broker, actor_name=ACTOR, queue_name=Lane.BACKGROUND, priority=0, options=options)
        server.kill()
        with worker_on(broker, THREADS):
            for _ in range(bounds(THREADS)[Lane.BACKGROUND]):
                assert began.acquire(timeout=PATIENCE)
            for _ in range(5):
                assert quick.acquire(timeout=PATIENCE)
            assert not began.acquire(blocking=False)
            let_go.set()
