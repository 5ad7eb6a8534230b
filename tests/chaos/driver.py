"""Lets a plan happen: clients run jobs while faults are done, until all is calm and every job has ended."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from flows.execution.recovery import VALUE as TOLD_VALUE
from storage.database import Database
from storage.states import Mode
from tests.chaos.client import RecordingClient, Watcher
from tests.chaos.contents import count_live, read_contents
from tests.chaos.evidence import HISTORY, Evidence, Moments, save
from tests.chaos.faults import Faults
from tests.chaos.flows import FlowKind, flows
from tests.chaos.history import History, recording
from tests.chaos.ledger import read
from tests.chaos.plan import FIRST_AT, Plan, PlannedFault, PlannedJob
from tests.chaos.scene import Scene, staged
from tests.reading import Client

SETTLE_SECONDS = 90.0
"""How long after the last fault jobs are waited for, until they end and every client has seen it."""
LOOK_SECONDS = 0.25


def run_plan(plan: Plan, folder: Path) -> Evidence:
    """Runs a plan on a set-up of its own. What programs say, the history and the ledger are left in the folder."""
    with staged(plan.set_up, folder) as scene, recording(folder / HISTORY) as history:
        flow_ids = _stored_flows(scene)
        began_at, calm_at = asyncio.run(_Run(plan, scene, history, flow_ids).happen())
        moments = Moments(plan.seed, plan.set_up, began_at, calm_at, time.time())
        evidence = Evidence(moments, history.records, read(scene.ledger), read_contents(scene.database_url))
    save(folder, evidence)
    return evidence


def _stored_flows(scene: Scene) -> Mapping[FlowKind, str]:
    with closing(Client(scene.urls[0])) as client:
        return {kind: client.store(flow, kind) for kind, flow in flows(scene.ledger, scene.model_url).items()}


@dataclass(frozen=True)
class _Run:
    """One run of a plan."""

    plan: Plan
    scene: Scene
    history: History
    flow_ids: Mapping[FlowKind, str]
    _origin: float = field(default_factory=time.monotonic)

    async def happen(self) -> tuple[float, float]:
        """When it began, and when the last fault was over. Returns when every job has ended, or the patience has."""
        began_at, ended = time.time(), Event()
        faults = Faults(self.scene, self.history)
        watching_over = asyncio.create_task(asyncio.to_thread(faults.watch_over, ended))
        async with RecordingClient(self.scene.urls, self.history) as client:
            jobs = asyncio.gather(*(self._live(job, client) for job in self.plan.jobs))
            await self._break(faults)
            await self._until(self.plan.seconds)
            calm_at = time.time()
            await self._settle(jobs)
        ended.set()
        await watching_over
        return began_at, calm_at

    async def _break(self, faults: Faults) -> None:
        """Does one group of faults after the other, those that the time is too short for left out."""
        await self._until(FIRST_AT)
        for group in self.plan.groups:
            if time.monotonic() > self._origin + self.plan.seconds:
                return
            await asyncio.gather(*(self._do(fault, faults) for fault in group.faults))
            await asyncio.sleep(group.rest)

    async def _do(self, fault: PlannedFault, faults: Faults) -> None:
        await asyncio.sleep(fault.after)
        await asyncio.to_thread(faults.do, fault)

    async def _live(self, planned: PlannedJob, client: RecordingClient) -> None:
        await self._until(planned.at)
        await _Asking(self.plan, planned, self._body(planned), client).run()

    async def _settle(self, jobs: Awaitable[object]) -> None:
        """Returns when no client is left who waits, and no job that must still end."""
        until = time.monotonic() + SETTLE_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(jobs, SETTLE_SECONDS)
        with closing(Database(self.scene.database_url)) as database:
            while await asyncio.to_thread(count_live, database) and time.monotonic() < until:  # noqa: ASYNC110 - a row
                await asyncio.sleep(LOOK_SECONDS)

    async def _until(self, at: float) -> None:
        await asyncio.sleep(self._origin + at - time.monotonic())

    def _body(self, planned: PlannedJob) -> dict[str, Any]:
        body = {
            "flow_id": self.flow_ids[planned.flow],
            "mode": planned.mode,
            "input_value": ("yes", "no")[planned.number % 2],
            "session_id": f"session-{planned.number}",
        }
        return body if planned.key is None else {**body, "idempotency_key": planned.key}


@dataclass
class _Asking:
    """One planned job: who asks for it, who watches it, who stops or pauses it, who decides what it asks."""

    plan: Plan
    planned: PlannedJob
    body: Mapping[str, Any]
    client: RecordingClient
    _jobs: set[str] = field(default_factory=set)
    _requests: set[str] = field(default_factory=set)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            for _ in range(self.planned.copies):
                self._tasks.create_task(self.client.submit(self.planned, self.body, self._accepted, self._asked))

    def _accepted(self, job_id: str) -> None:
        """Sets watchers on a job, and whoever will stop or pause it, when it is heard of for the first time."""
        if job_id in self._jobs:
            return
        self._jobs.add(job_id)
        watchers = 1 if self.planned.mode is Mode.SYNC else self.planned.watchers
        for number in range(1, watchers + 1):
            watcher = Watcher(job_id, f"watcher {number}", self._asked, crosses_pauses=number % 2 == 0)
            self._tasks.create_task(self._watch(watcher))
        if self.planned.stop_after is not None:
            for _ in range(self.planned.stops):
                self._tasks.create_task(self._stop(job_id, self.planned.stop_after))
        if self.planned.pause_after is not None:
            self._tasks.create_task(self._pause(job_id, self.planned.pause_after))

    def _asked(self, job_id: str, request: Mapping[str, Any]) -> None:
        """Lets clients decide on a human request when it is heard of for the first time."""
        request_id = str(request["request_id"])
        if request_id in self._requests:
            return
        self._requests.add(request_id)
        choices = [option["action_id"] for option in request["options"]]
        planned = self.plan.decision(self.planned.number, request_id.partition(":")[0], choices)
        for number, action in enumerate(planned.actions, 1):
            decision = {"action_id": action, "values": {TOLD_VALUE: f"client {number}"}}
            self._tasks.create_task(self._decide(job_id, request_id, decision, planned.after))

    async def _decide(self, job_id: str, request_id: str, decision: Mapping[str, Any], after: float) -> None:
        await asyncio.sleep(after)
        await self.client.decide(self.planned.number, job_id, request_id, decision)

    async def _watch(self, watcher: Watcher) -> None:
        await self.client.follow(self.planned.number, watcher)
        await self.client.look(self.planned.number, watcher.job_id)

    async def _pause(self, job_id: str, after: float) -> None:
        await asyncio.sleep(after)
        await self.client.pause(self.planned.number, job_id)
        await asyncio.sleep(self.planned.paused_seconds)
        await self.client.go_on(self.planned.number, job_id)

    async def _stop(self, job_id: str, after: float) -> None:
        await asyncio.sleep(after)
        await self.client.stop(self.planned.number, job_id)
