"""A hint goes to the lane of its job, and one that cannot be sent costs a line in the log (rule 1)."""

import time
from collections.abc import MutableMapping, Sequence
from contextlib import closing
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from actors.hints import Hints
from actors.workforce import hints_only
from storage.kill_points import HINT_SENT
from storage.lanes import Lane, lane_of
from storage.secrets import new_key
from storage.states import Mode
from storage.store import StoreConfig, open_store
from tests import services
from tests.actors.queues import memory_broker, next_hint, taken_from, waiting
from tests.actors.workplace import eventually


def unsent(lines: Sequence[MutableMapping[str, Any]]) -> list[str]:
    """The jobs whose hints the log of the process says could not be sent."""
    return [line["job_id"] for line in lines if line["event"] == "hint_not_sent"]


@pytest.mark.parametrize("mode", Mode)
def test_a_hint_goes_to_its_lane(mode: Mode) -> None:
    """It names the job and the lane and nothing else, and lies in one lane only."""
    broker = memory_broker()
    Hints(broker).send("a-job", mode)
    assert sum(waiting(broker).values()) == 1
    assert next_hint(broker, lane_of(mode)) == "a-job"


def test_a_lane_that_is_not_there_costs_a_line() -> None:
    """What the broker refuses is left to the sweeper."""
    broker = memory_broker()
    del broker.queues[Lane.BACKGROUND]
    with capture_logs() as lines:
        Hints(broker).send("a-job", Mode.BACKGROUND)
    assert unsent(lines) == ["a-job"]


@pytest.mark.parametrize("mode", Mode)
def test_a_hint_may_ask_for_a_certain_job(mode: Mode) -> None:
    """It names no lane to choose from."""
    broker = memory_broker()
    Hints(broker).send_for_this_one("a-job", mode)
    assert sum(waiting(broker).values()) == 1
    assert list(taken_from(broker, lane_of(mode))) == ["a-job"]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_hint_is_a_kill_point_whether_it_arrives_or_not(arrives: bool) -> None:
    """A process may die right behind it."""
    broker, reached = memory_broker(), list[str]()
    if not arrives:
        del broker.queues[Lane.BACKGROUND]
    Hints(broker, reached.append).send("a-job", Mode.BACKGROUND)
    assert reached == [HINT_SENT]


@pytest.mark.real_services
def test_a_broker_that_is_away_costs_a_line(sqlite_url: str) -> None:
    """A submit whose hint cannot be sent is a submit all the same; later hints are sent again."""
    with (
        services.running_redis() as server,
        closing(open_store(StoreConfig(sqlite_url, server.url, [new_key()]))) as store,
    ):
        hints = Hints(hints_only(store))
        server.kill()
        with capture_logs() as lines:
            hints.send("a-job", Mode.BACKGROUND)
        server.start()
        with redis.Redis.from_url(server.url) as client:

            def sent() -> list[bytes]:
                hints.send("another-job", Mode.BACKGROUND)
                return list(client.hvals("dramatiq:background.msgs"))

            eventually(sent)
            assert all(b"another-job" in message for message in sent())
    assert unsent(lines) == ["a-job"]


@pytest.mark.real_services
def test_a_broker_that_hangs_does_not_hold_a_submit(sqlite_url: str) -> None:
    """A Redis that accepts commands and answers none costs one submit a moment, and the next ones nothing."""
    with (
        services.running_redis() as server,
        closing(open_store(StoreConfig(sqlite_url, server.url, [new_key()]))) as store,
    ):
        hints = Hints(hints_only(store))
        hints.send("a-job", Mode.BACKGROUND)
        with redis.Redis.from_url(server.url) as client:
            client.client_pause(8_000)
        began = time.monotonic()
        with capture_logs() as lines:
            for _ in range(10):
                hints.send("another-job", Mode.BACKGROUND)
        assert time.monotonic() - began < 3
    assert unsent(lines) == ["another-job"] * 10
