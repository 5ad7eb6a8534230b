"""A hint goes to the lane of its job, and one that cannot be sent costs a line in the log (rule 1)."""

import time
from contextlib import closing

import pytest
import redis
from structlog.testing import capture_logs

from actors.hints import Hints
from actors.lanes import Lane, lane_of
from actors.workforce import hints_only
from storage.secrets import new_key
from storage.states import Mode
from storage.store import StoreConfig, open_store
from tests import services
from tests.actors.queues import memory_broker, next_hint, waiting


@pytest.mark.parametrize("mode", Mode)
def test_a_hint_goes_to_its_lane(mode: Mode) -> None:
    """It names the job and nothing else, and lies in one lane only."""
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
    assert [(line["event"], line["job_id"]) for line in lines] == [("hint_not_sent", "a-job")]


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
        hints.send("another-job", Mode.BACKGROUND)
        with redis.Redis.from_url(server.url) as client:
            sent = client.hvals("dramatiq:background.msgs")
    assert [(line["event"], line["job_id"]) for line in lines] == [("hint_not_sent", "a-job")]
    assert len(sent) == 1
    assert b"another-job" in sent[0]


@pytest.mark.real_services
def test_a_broker_that_hangs_does_not_hold_a_submit(sqlite_url: str) -> None:
    """A Redis that accepts commands and answers none keeps the web from answering for a moment only."""
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
            hints.send("another-job", Mode.BACKGROUND)
        assert time.monotonic() - began < 4
    assert [line["event"] for line in lines] == ["hint_not_sent"]
