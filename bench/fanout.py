"""How late events come when many clients follow one run."""

import time
from collections.abc import Iterator
from uuid import uuid4

from bench.audience import attached
from bench.client import WORKFLOWS
from bench.measures import Bench, Sample
from bench.pauses import answer, await_suspension

REST_SECONDS = 3.0
"""Until the server has forgotten how the clients came."""


def fanout(bench: Bench) -> Iterator[Sample]:
    """One run tells tokens and milestones at a steady pace: from the moment each is written, before a milestone is
    stored, to that in which each of many clients has it."""
    clients, events = bench.sizes.audience, bench.sizes.told
    with bench.client() as client:
        job_id = client.submit(bench.paced, session_id=str(uuid4()))
        await_suspension(client, job_id)
    path = f"{WORKFLOWS}/{job_id}/events?on_suspend=follow"
    with attached(bench.port, path, clients, events) as audience:
        time.sleep(REST_SECONDS)
        with bench.client() as client:
            answer(client, job_id)
        delays = audience.delays()
    name = f"{clients:,} clients of a run, added delay"
    yield Sample(f"{name}, p50", "ms", delays.p50)
    yield Sample(f"{name}, p99", "ms", delays.p99)
    yield Sample(f"{name}, max", "ms", delays.most)
