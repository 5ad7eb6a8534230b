"""What it costs to wait for people: nothing while nobody answers, and little when somebody does."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from bench.client import WORKFLOWS, Client
from bench.measures import Bench, Sample

PROGRAMS = ("uvicorn", "dramatiq")
"""What the processes of a server have in their command lines."""


def resume(bench: Bench) -> Iterator[Sample]:
    """Nothing else runs: how long from the POST of an answer until a client that stayed attached has the next event."""
    waited = []
    for _ in range(bench.sizes.idle_runs):
        with bench.client() as client, bench.client() as watcher:
            job_id = _suspended(bench, client)
            watching = watcher.watch(f"{WORKFLOWS}/{job_id}/events?on_suspend=follow")
            watcher.await_frame(watching, b"human_input_required")
            began = time.perf_counter()
            answer(client, job_id)
            watcher.await_frame(watching, b"human_input_resolved")
            waited.append(time.perf_counter() - began)
    yield Sample("idle: answer to next event, p50", "ms", 1000 * statistics.median(waited))


def suspended(bench: Bench) -> Iterator[Sample]:
    """By how much the largest process of the server grows when many jobs are suspended."""
    before = _memory()
    with bench.client() as client:
        jobs = [client.submit(bench.approval, session_id=str(uuid4())) for _ in range(bench.sizes.suspended)]
        for job_id in jobs:
            await_suspension(client, job_id)
    grown = max((kilobytes - before.get(pid, 0) for pid, kilobytes in _memory().items()), default=0)
    yield Sample(f"memory of {len(jobs)} suspended jobs", "MB", grown / 1024)


def _suspended(bench: Bench, client: Client) -> str:
    job_id = client.submit(bench.approval, session_id=str(uuid4()))
    await_suspension(client, job_id)
    return job_id


def await_suspension(client: Client, job_id: str) -> None:
    while client.get(f"{WORKFLOWS}/{job_id}")["status"] != "suspended":
        time.sleep(0.005)


def answer(client: Client, job_id: str) -> None:
    body = {"request_id": f"HumanInput-h:{job_id}", "decision": {"action_id": "approve"}}
    client.post(f"{WORKFLOWS}/{job_id}/resume", body)


def _memory() -> dict[int, int]:
    """The resident kilobytes of each process of the server, by its id; empty where there is no `/proc`."""
    return {pid: _resident(pid) for pid in _descendants(os.getpid()) if _is_server(pid)}


def _descendants(of: int) -> list[int]:
    children = Path(f"/proc/{of}/task/{of}/children")
    found = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    return [*found, *(below for pid in found for below in _descendants(pid))]


def _is_server(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    return any(program in command for program in PROGRAMS)


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
