"""Redis away, slow, read-only or emptied costs latency and tokens, nothing else (rule 5, I4, I11)."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
import redis

from tests.journeys.checking import check_log
from tests.journeys.conftest import Rough
from tests.journeys.gated import Gate
from tests.making import echo_flow, model_flow
from tests.model_stub import ModelStub
from tests.reading import PATIENCE, Client, until
from tests.services import RedisServer

pytestmark = pytest.mark.real_services

QUICKLY = 2.0
"""Seconds within which a submit is answered while Redis does not answer; its time-out is half a second."""
NOBODY = ("127.0.0.1", 1)


def _make_read_only(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as connection:
        connection.replicaof(*NOBODY)


def _make_writable(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as connection:
        connection.replicaof("no", "one")


AWAY: Mapping[str, tuple[Callable[[RedisServer], None], Callable[[RedisServer], None]]] = {
    "killed": (RedisServer.kill, RedisServer.start),
    "frozen": (RedisServer.freeze, RedisServer.thaw),
    "read-only": (_make_read_only, _make_writable),
}


@contextmanager
def away(server: RedisServer, how: str) -> Iterator[None]:
    """Redis is of no use for as long as the block lasts."""
    leave, come_back = AWAY[how]
    leave(server)
    try:
        yield
    finally:
        come_back(server)


@pytest.mark.parametrize("how", AWAY)
def test_runs_go_on_without_redis(
    rough: Rough, here: Client, there: Client, gate: Gate, stub: ModelStub, how: str
) -> None:
    """Attached clients keep receiving, submits are answered quickly and run, and when it is back tokens flow again."""
    held, echo, streamed = (here.store(exported) for exported in (gate.flow("Gated"), echo_flow(), model_flow()))
    job_id = here.submit(held, input_value="x")
    gate.await_lines(1)
    with there.attached(job_id) as found:
        before = until(found, "end_vertex")
        with away(rough.redis, how):
            gate.open()
            check_log([*before, *found], "completed")
            for job_id in submitted_quickly([here, there] * 3, echo):
                check_log(here.events(job_id), "completed")
    await_tokens(there, streamed, stub)
    assert rough.is_whole()


def submitted_quickly(clients: list[Client], *flow_ids: str) -> list[str]:
    """A job by each client, each answered in time."""
    job_ids = []
    for client in clients:
        began = time.monotonic()
        job_ids += [client.submit(flow_id, input_value="x") for flow_id in flow_ids]
        assert time.monotonic() - began < QUICKLY
    return job_ids


def await_tokens(client: Client, flow_id: str, stub: ModelStub) -> None:
    """Waits for a run whose tokens all arrive: they travel by Redis only."""
    deadline = time.monotonic() + PATIENCE
    tokens: list[str] = []
    while tokens != list(stub.tokens):
        assert time.monotonic() < deadline, f"of its tokens only {tokens} arrive"
        with client.streaming(flow_id, input_value="x") as found:
            seen = list(found)
        check_log(seen, "completed")
        tokens = [frame.json["data"]["chunk"] for frame in seen if frame.event == "token"]


def test_an_emptied_redis_loses_no_run(rough: Rough, here: Client, there: Client, gate: Gate) -> None:
    """FLUSHALL in the middle of a run, and behind submits whose hints it takes away: all of them end, and a watcher
    misses nothing."""
    held, echo = here.store(gate.flow("Gated")), here.store(echo_flow())
    job_id = here.submit(held, input_value="x")
    gate.await_lines(1)
    with there.attached(job_id) as found:
        before = until(found, "end_vertex")
        hinted = [client.submit(echo, input_value="x") for client in (here, there) for _ in range(5)]
        rough.deployment.flush_redis()
        gate.open()
        check_log([*before, *found], "completed")
    for job_id in hinted:
        check_log(here.events(job_id), "completed")
    assert rough.is_whole()
