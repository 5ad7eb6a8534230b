"""A web process that is asked to end sends its clients away before it cuts them off (fault C17)."""

import asyncio
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from types import FrameType

import httpx
import pytest

from storage.log import EventLog
from tests.deployments import Deployment, embedded
from tests.making import model_flow
from tests.model_stub import ModelStub
from tests.reading import WORKFLOWS, Client
from tests.web.following import running_hub
from tests.web.refusing import assert_refused
from web.streams.farewell import farewell

STREAMS = 5


@pytest.fixture
def asked() -> Event:
    """Set when the model was asked; it answers when `server` ends."""
    return Event()


@pytest.fixture
def server(asked: Event, tmp_path: Path) -> Iterator[Deployment]:
    over = Event()

    def wait(index: int) -> None:
        asked.set()
        over.wait(60)

    with ModelStub(before_token=wait) as stub:
        settings = {
            "PENSTOCK_MODEL_BASE_URL": stub.url,
            "PENSTOCK_MODEL_NAME": "stub",
            "PENSTOCK_GRACE_SECONDS": "0.1",
        }
        with embedded(tmp_path, settings) as deployment:
            yield deployment
            over.set()


def test_streams_end_with_a_time_to_come_back(server: Deployment, asked: Event) -> None:
    """Each client gets its own, so that they do not all come at the same moment (fault C20), and the process is gone
    soon after."""
    with closing(Client(server.url)) as client, ThreadPoolExecutor(STREAMS) as threads:
        job_id = client.submit(client.store(model_flow()), input_value="x")
        bodies = [threads.submit(_whole_body, client, job_id) for _ in range(STREAMS)]
        assert asked.wait(60)
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
    ends = [re.findall(r"retry: (\d+)\n\n", future.result())[-1] for future in bodies]
    assert all(future.result().endswith(f"\n\nretry: {end}\n\n") for future, end in zip(bodies, ends, strict=True))
    assert len(set(ends)) > 1
    assert took < 15


def test_who_waits_for_an_answer_is_told_where_it_will_be(server: Deployment, asked: Event) -> None:
    """A sync run that outlasts its server is no failure: the answer names the job, which the next process finishes."""
    with closing(Client(server.url)) as client, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.run, client.store(model_flow()), input_value="x")
        assert asked.wait(60)
        server.stop()
        answer = waiting.result()
    job_id = answer.json()["detail"].get("job_id")
    assert_refused(answer, 503, "SERVICE_BUSY", job_id=job_id)
    server.start()
    with closing(Client(server.url)) as client:
        assert client.job(job_id)["status"] in ("queued", "in_progress")


def test_a_server_that_was_stopped_by_force_gets_no_signal_any_more(log: EventLog) -> None:
    """It has put back what stood there before it, and that stays."""
    number, told = signal.SIGTERM, []

    def server(number: int, frame: FrameType | None) -> None:
        told.append(number)

    async def scenario() -> object:
        async with running_hub(log) as hub, farewell(hub):
            signal.raise_signal(number)
            signal.signal(number, signal.SIG_IGN)
        return signal.getsignal(number)

    before = signal.signal(number, server)
    try:
        assert asyncio.run(scenario()) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    assert told == [number]


def _whole_body(client: Client, job_id: str) -> str:
    with httpx.stream("GET", f"{client.http.base_url}{WORKFLOWS}/{job_id}/events", timeout=60) as response:
        return response.read().decode()
