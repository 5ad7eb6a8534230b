"""What is measured. Each measure looks at one promise of speed and yields one sample per figure and round."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from bench.client import WORKFLOWS, Client, Unexpected
from bench.flows import Exported, agent, approval, chain, paced

CLIENTS = 8
CHAINS = (10, 100, 500)
ENDS = 2
"""The vertices of a chain besides its Pass vertices."""
JOBS = f"{WORKFLOWS}/jobs"
PAGE = 200
POLL_SECONDS = 0.1
"""Rarely enough not to be noticed: when a batch ended is read from the jobs, not from the polling."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything one round does, and how many rounds there are."""

    rounds: int
    idle_runs: int
    batch: int
    chain_runs: int
    replays: int
    suspended: int
    tokens: int
    audience: int
    told: int


FULL = Sizes(
    rounds=5, idle_runs=100, batch=400, chain_runs=3, replays=20, suspended=1000, tokens=5_000, audience=1_000, told=200
)
QUICK = Sizes(
    rounds=2, idle_runs=20, batch=80, chain_runs=1, replays=5, suspended=200, tokens=1_000, audience=200, told=50
)


@dataclass(frozen=True)
class Sample:
    """One figure of one round."""

    name: str
    unit: str
    value: float


@dataclass(frozen=True)
class Bench:
    """A running server with the flows stored that are measured, by the number of their Pass vertices."""

    port: int
    flows: Mapping[int, str]
    approval: str
    """The flow that asks a person."""
    agent: str
    """The flow with an agent."""
    paced: str
    """The flow that tells at a steady pace, when a person lets it."""
    sizes: Sizes

    @property
    def echo(self) -> str:
        """The flow of three vertices."""
        return self.flows[1]

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A fresh connection: the server drops one that was idle for five seconds."""
        with closing(Client(self.port)) as client:
            yield client


Measure: TypeAlias = Callable[[Bench], Iterator[Sample]]


def prepare(port: int, sizes: Sizes) -> Bench:
    """Stores the flows and runs them, so that no measured run is the first of a thread, connection or cache."""
    with closing(Client(port)) as client:
        flows = {passes: _store(client, f"chain of {passes}", chain(passes)) for passes in (1, *CHAINS)}
        others = {"approval": approval(), "agent": agent(), "paced": paced(sizes.told)}
        stored = {name: _store(client, name, flow) for name, flow in others.items()}
        bench = Bench(port, flows, sizes=sizes, **stored)
        for flow_id in bench.flows.values():
            client.run(flow_id)
        list(client.stream(bench.agent, "1 0"))
    _submit_all(bench, sizes.batch)
    _drain(bench)
    return bench


def one_round(bench: Bench, measures: Sequence[Measure]) -> list[Sample]:
    """Every measure once, and what the client itself took of the processor meanwhile."""
    began, used = time.perf_counter(), time.process_time()
    samples = [sample for measure in measures for sample in measure(bench)]
    share = (time.process_time() - used) / (time.perf_counter() - began)
    return [*samples, Sample("this client, of one core", "%", 100 * share), *_fixed_work()]


def idle_background(bench: Bench) -> Iterator[Sample]:
    """Nothing else runs: how long the POST takes, and how long until a client that attaches then has the last event."""
    submitted, ended = [], []
    with bench.client() as client:
        for _ in range(bench.sizes.idle_runs):
            began = time.perf_counter()
            job_id = client.submit(bench.echo)
            submitted.append(time.perf_counter() - began)
            client.follow(job_id)
            ended.append(time.perf_counter() - began)
    yield from _percentiles("idle: submit", submitted)
    yield from _percentiles("idle: submit to end, attached", ended)


def idle_stream(bench: Bench) -> Iterator[Sample]:
    """Nothing else runs: how long from a POST in mode stream to its terminal event."""
    with bench.client() as client:
        ended = [_seconds(lambda: client.run(bench.echo)) for _ in range(bench.sizes.idle_runs)]
    yield from _percentiles("idle: submit to end, streamed", ended)


def saturation(bench: Bench) -> Iterator[Sample]:
    """Eight clients submit as fast as they can: how fast they are answered, and how fast the runs end."""
    seconds = _seconds(lambda: _submit_all(bench, bench.sizes.batch))
    yield Sample(f"submits by {CLIENTS} clients", "1/s", bench.sizes.batch / seconds)
    _drain(bench)
    jobs = _newest(bench, bench.sizes.batch)
    first = min(_moment(job["created_timestamp"]) for job in jobs)
    last = max(_moment(job["finished_at"]) for job in jobs)
    yield Sample("completed runs at saturation", "1/s", len(jobs) / (last - first).total_seconds())


def vertices(bench: Bench) -> Iterator[Sample]:
    """What one vertex costs in chains of growing length: the same, or something scans the past of a job."""
    for passes in CHAINS:
        with bench.client() as client:
            run = partial(client.run, bench.flows[passes])
            seconds = statistics.median(_seconds(run) for _ in range(bench.sizes.chain_runs))
        yield Sample(f"vertex in a chain of {passes}", "ms", 1000 * seconds / (passes + ENDS))


def replay(bench: Bench) -> Iterator[Sample]:
    """How fast one client re-reads the log of the longest chain, while the stream still holds it."""
    with bench.client() as client:
        job_id = client.submit(bench.flows[max(CHAINS)])
        client.follow(job_id)
        began = time.perf_counter()
        events = sum(client.follow(job_id) for _ in range(bench.sizes.replays))
        seconds = time.perf_counter() - began
    yield Sample("replayed events", "1/s", events / seconds)


MEASURES: Sequence[Measure] = (idle_background, idle_stream, saturation, vertices, replay)


def _fixed_work() -> Iterator[Sample]:
    """The same arithmetic each time: its spread is the noise of the machine."""
    yield Sample("fixed work, for the noise", "ms", 1000 * _seconds(lambda: sum(range(4_000_000))))


def _store(client: Client, name: str, flow: Exported) -> str:
    flow_id: str = client.post("/api/v1/flows/", {"name": name, "data": flow})["id"]
    return flow_id


def _submit_all(bench: Bench, count: int) -> None:
    """Submits from several connections at once, each waiting for its answer before it goes on."""

    def submit(share: int) -> None:
        with bench.client() as client:
            for _ in range(share):
                client.submit(bench.echo)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(submit, [count // CLIENTS] * CLIENTS))


def _drain(bench: Bench) -> None:
    """Waits until no job is queued or running."""
    with bench.client() as client:
        while any(client.get(f"{JOBS}?limit=1&status={status}")["jobs"] for status in ("queued", "in_progress")):
            time.sleep(POLL_SECONDS)


def _newest(bench: Bench, count: int) -> list[dict[str, Any]]:
    """The newest jobs, all of which must have completed."""
    jobs: list[dict[str, Any]] = []
    cursor = ""
    with bench.client() as client:
        while len(jobs) < count:
            page = client.get(f"{JOBS}?limit={min(PAGE, count - len(jobs))}{cursor}")
            jobs += page["jobs"]
            cursor = f"&cursor={page['next_cursor']}"
    if others := {job["status"] for job in jobs} - {"completed"}:
        raise Unexpected(f"Some jobs are {', '.join(sorted(others))}.")
    return jobs


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _percentiles(name: str, seconds: Sequence[float]) -> Iterator[Sample]:
    yield Sample(f"{name}, p50", "ms", 1000 * statistics.median(seconds))
    yield Sample(f"{name}, p95", "ms", 1000 * statistics.quantiles(seconds, n=20)[-1])
