"""Hints are picked up at once and cheaply, and the two lanes share the threads as they should (rule 1, section 6)."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Lock, Semaphore
from typing import Any

import pytest
import redis
from dramatiq import Actor, Broker

from actors.broker import MemoryLanes, RedisLanes, make_broker
from actors.hints import ACTOR, Hints
from actors.lanes import bounds
from storage.lanes import Lane
from storage.redis_link import RedisLink
from storage.states import Mode
from tests.actors.workplace import PATIENCE, eventually, worker_on

THREADS = 4


class Builds:
    """Counts the runs of an actor; background ones stay until they are let go."""

    def __init__(self) -> None:
        self.began = Semaphore(0)
        self.quick = Semaphore(0)
        self.let_go = Event()
        self.at_once, self.most = 0, 0
        self._lock = Lock()

    def __call__(self, job_id: str) -> None:
        if job_id == "quick":
            self.quick.release()
            return
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.began.release()
        self.let_go.wait(PATIENCE)
        with self._lock:
            self.at_once -= 1


@pytest.fixture
def builds() -> Iterator[Builds]:
    built = Builds()
    yield built
    built.let_go.set()


def declare(broker: Broker, builds: Callable[[str], None]) -> Broker:
    def build(job_id: str, lane: str) -> None:
        builds(job_id)

    options: dict[str, Any] = {"max_retries": 0}
    Actor(build, broker=broker, actor_name=ACTOR, queue_name=Lane.BACKGROUND, priority=0, options=options)
    return broker


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.real_services)])
def broker(request: pytest.FixtureRequest, builds: Builds) -> Iterator[Broker]:
    """A broker of each kind with one actor."""
    if request.param == "memory":
        yield declare(make_broker(None, [], bounds(THREADS)), builds)
        return
    with closing(RedisLink(request.getfixturevalue("redis_url"))) as link:
        yield declare(make_broker(link, [], bounds(THREADS)), builds)


def test_a_backlog_never_takes_the_last_thread(broker: Broker, builds: Builds) -> None:
    """With more background runs waiting than there are threads, an interactive one is taken at once."""
    hints = Hints(broker)
    for number in range(3 * THREADS):
        hints.send(f"slow-{number}", Mode.BACKGROUND)
    with worker_on(broker, THREADS):
        for _ in range(bounds(THREADS)[Lane.BACKGROUND]):
            assert builds.began.acquire(timeout=PATIENCE)
        for _ in range(5):
            hints.send("quick", Mode.SYNC)
            assert builds.quick.acquire(timeout=PATIENCE)
        assert builds.most == bounds(THREADS)[Lane.BACKGROUND]
        builds.let_go.set()
        for _ in range(3 * THREADS - builds.most):
            assert builds.began.acquire(timeout=PATIENCE)
    assert builds.most == bounds(THREADS)[Lane.BACKGROUND]


def test_interactive_runs_may_take_every_thread(broker: Broker, builds: Builds) -> None:
    """Nothing is kept for background runs."""
    hints = Hints(broker)
    for number in range(2 * THREADS):
        hints.send(f"slow-{number}", Mode.STREAM)
    with worker_on(broker, THREADS):
        for _ in range(THREADS):
            assert builds.began.acquire(timeout=PATIENCE)
        assert builds.most == THREADS
        builds.let_go.set()


def test_hints_that_nobody_took_are_counted(broker: Broker) -> None:
    """Per lane: so many need not be sent again."""
    assert isinstance(broker, MemoryLanes | RedisLanes)
    hints = Hints(broker)
    for mode in (Mode.SYNC, Mode.BACKGROUND, Mode.STREAM):
        hints.send("a-job", mode)
    assert [broker.waiting(lane) for lane in (Lane.INTERACTIVE, Lane.BACKGROUND)] == [2, 1]


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_url, decode_responses=True)) as client:
        yield client


def waiting_consumers(server: redis.Redis) -> int:
    clients: Any = server.client_list()
    return [client["cmd"] for client in clients].count("blmove")


def calls(server: redis.Redis) -> dict[str, int]:
    """How often each command was called so far, whoever called it, scripts included; what this asks itself left out."""
    stats: Any = server.info("commandstats")
    ours = ("cmdstat_info", "cmdstat_client|list", "cmdstat_hello", "cmdstat_client|setinfo", "cmdstat_select")
    return {name: found["calls"] for name, found in stats.items() if name not in ours}


@pytest.fixture
def idle_redis(redis_url: str, builds: Builds, server: redis.Redis) -> Iterator[Broker]:
    """A broker on Redis whose worker has nothing to do, and waits in all of its queues."""
    with closing(RedisLink(redis_url)) as link:
        broker = declare(make_broker(link, [], bounds(THREADS)), builds)
        with worker_on(broker, THREADS, worker_timeout=1_000):
            eventually(lambda: waiting_consumers(server) == 4)
            yield broker


@pytest.mark.parametrize("mode", [Mode.SYNC, Mode.BACKGROUND])
def test_an_idle_worker_picks_a_hint_up_at_once(
    idle_redis: Broker, builds: Builds, server: redis.Redis, mode: Mode
) -> None:
    """It waits inside Redis and does not sleep: the hint wakes it."""
    hints, took = Hints(idle_redis), []
    for _ in range(7):
        eventually(lambda: waiting_consumers(server) == 4)
        began = time.monotonic()
        hints.send("quick", mode)
        assert builds.quick.acquire(timeout=PATIENCE)
        took.append(time.monotonic() - began)
    assert sorted(took)[3] < 0.1


def test_an_idle_worker_costs_a_few_commands(idle_redis: Broker, server: redis.Redis) -> None:
    """Each of its four queues is asked about once a second, with one script and one wait."""
    before, began = calls(server), time.monotonic()
    rounds = 8
    eventually(lambda: calls(server)["cmdstat_blmove"] >= before["cmdstat_blmove"] + rounds)
    after, seconds = calls(server), time.monotonic() - began
    made = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}
    sent = sum(made.get(name, 0) for name in ("cmdstat_blmove", "cmdstat_evalsha", "cmdstat_eval"))
    assert sent / seconds < 12, made
    assert sum(made.values()) / seconds < 40, made


def test_a_process_that_ends_leaves_hints_to_others(idle_redis: Broker, builds: Builds, server: redis.Redis) -> None:
    """Its consumers, which wait inside Redis, do not take the hint that wakes them (fault A18)."""
    assert isinstance(idle_redis, RedisLanes)
    idle_redis.stop_fetching()
    Hints(idle_redis).send("quick", Mode.BACKGROUND)
    clients: Any = server.info
    eventually(lambda: clients("clients")["blocked_clients"] == 0)
    assert idle_redis.waiting(Lane.BACKGROUND) == 1
    assert not builds.quick.acquire(blocking=False)
