"""A job whose secrets a worker cannot read is left as it is, for one that can."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from flows.context import VertexContext
from storage.clock import after
from storage.requests import Overrides
from storage.secrets import Secrets, new_key
from storage.states import Status
from storage.store import Store
from storage.variables import set_variable
from tests.actors.stage import Dies, Stage, scripted_flow, staged_flow
from tests.actors.workplace import Workplace, eventually, working
from tests.making import echo_flow, template
from tests.shapes import Exported
from tests.storage.situations import change, events_of, let_lease_expire, value_of

LOST = Secrets([new_key()])
"""Secrets under a key that a worker has in these tests only when it says so."""
GIVEN = Overrides(globals={"TOKEN": "hunter2"})


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with capture_logs() as lines:
        yield lines


def submit_unreadable(workplace: Workplace, flow: Exported) -> str:
    job_id = str(uuid4())
    return workplace.submit(flow, id=job_id, overrides=GIVEN.seal(LOST, job_id))


def is_set_aside(store: Store, job_id: str) -> bool:
    return value_of(store.database, job_id, "wake_at") is not None


def finds_its_key(store: Store, job_id: str) -> bool:
    """Whether a job has come to its end, when its rest is over as often as it rests."""
    if is_set_aside(store, job_id):
        change(store.database, job_id, wake_at=after(-1))
    return Status(value_of(store.database, job_id, "status")) is Status.COMPLETED


def test_a_job_whose_overrides_cannot_be_read_is_handed_back(
    workplace: Workplace, stage: Stage, told: list[Any]
) -> None:
    """It is queued as before, its attempt is not counted, nothing is told of it and nothing of it was built; the log
    of the worker says which it is."""
    job_id = submit_unreadable(workplace, scripted_flow(1))
    eventually(lambda: is_set_aside(workplace.store, job_id))
    columns = ("status", "attempts", "worker", "error", "lease_until")
    found = [value_of(workplace.store.database, job_id, name) for name in columns]
    assert found == [Status.QUEUED, 0, None, None, None]
    assert [type for _, type, _ in events_of(workplace.store.log, job_id)] == ["build_start"]
    assert stage.built == []
    assert [line["job_id"] for line in told if line["event"] == "secrets_unreadable"] == [job_id]


def test_a_job_that_rests_is_in_nobodys_way(workplace: Workplace, told: list[Any]) -> None:
    """Those that came later are done, and it is not tried again meanwhile."""
    job_id = submit_unreadable(workplace, scripted_flow(1))
    eventually(lambda: is_set_aside(workplace.store, job_id))
    for _ in range(3):
        workplace.to_end(workplace.submit(echo_flow()))
    assert value_of(workplace.store.database, job_id, "fence") == 1
    assert sum(line["event"] == "secrets_unreadable" for line in told) == 1


def test_of_several_workers_the_one_with_the_key_gets_the_job(store: Store, stage: Stage) -> None:
    """However often the others have it first."""
    with ExitStack() as stack:
        others = [stack.enter_context(working(store)) for _ in range(2)]
        job_id = submit_unreadable(others[0], scripted_flow(1))
        eventually(lambda: is_set_aside(store, job_id))
        stack.enter_context(working(replace(store, secrets=LOST)))
        eventually(lambda: finds_its_key(store, job_id))
    assert stage.built == ["Scripted-1"]
    assert value_of(store.database, job_id, "attempts") == 1


def test_a_job_that_was_cut_off_tells_so_when_its_key_is_back(store: Store, stage: Stage) -> None:
    """A worker without the key between two that have it leaves no trace: what starts over is announced."""
    stage.acts["Scripted-1"] = dies = Dies()
    with working(replace(store, secrets=LOST)) as workplace:
        job_id = submit_unreadable(workplace, scripted_flow(1))
        assert dies.died.acquire(timeout=30)
    with working(store):
        let_lease_expire(store.database, job_id)
        eventually(lambda: is_set_aside(store, job_id))
    with working(replace(store, secrets=LOST)):
        eventually(lambda: finds_its_key(store, job_id))
    assert "run_recovered" in [type for _, type, _ in events_of(store.log, job_id)]


def test_a_variable_that_a_field_names_and_nobody_can_read(workplace: Workplace, stage: Stage) -> None:
    """No vertex fails for it, and none is built."""
    flow = scripted_flow(1)
    template(flow["nodes"][1])["input_value"] |= {"load_from_db": True, "value": "TOKEN"}
    flow["edges"] = flow["edges"][1:]
    set_variable(workplace.store.database, LOST, workplace.user_id, "TOKEN", "hunter2")
    job_id = workplace.submit(flow)
    eventually(lambda: is_set_aside(workplace.store, job_id))
    assert [type for _, type, _ in events_of(workplace.store.log, job_id)] == ["build_start"]
    assert stage.built == []
    set_variable(workplace.store.database, workplace.store.secrets, workplace.user_id, "TOKEN", "hunter2")
    eventually(lambda: finds_its_key(workplace.store, job_id))


@pytest.mark.parametrize("kind", ["Scripted", "ScriptedPlain"])
def test_a_variable_that_only_a_component_knows_of(workplace: Workplace, stage: Stage, kind: str) -> None:
    """What was finished before stays, and the vertex does not fail."""
    asks = f"{kind}-2"

    async def looks_up(context: VertexContext) -> None:
        context.tools.variable("UNNAMED")

    def looks_up_plainly(context: VertexContext) -> None:
        context.tools.variable("UNNAMED")

    stage.acts[asks] = looks_up if kind == "Scripted" else looks_up_plainly
    set_variable(workplace.store.database, LOST, workplace.user_id, "UNNAMED", "hunter2")
    job_id = workplace.submit(staged_flow(["Scripted", kind]))
    eventually(lambda: is_set_aside(workplace.store, job_id))
    assert value_of(workplace.store.database, job_id, "status") == Status.QUEUED
    set_variable(workplace.store.database, workplace.store.secrets, workplace.user_id, "UNNAMED", "hunter2")
    eventually(lambda: finds_its_key(workplace.store, job_id))
    assert stage.built.count("Scripted-1") == 1


def test_a_global_stands_before_a_variable_that_cannot_be_read(workplace: Workplace, stage: Stage) -> None:
    """Whoever gives the value with the run needs no other."""
    flow = scripted_flow(1)
    template(flow["nodes"][1])["input_value"] |= {"load_from_db": True, "value": "TOKEN"}
    flow["edges"] = flow["edges"][1:]
    set_variable(workplace.store.database, LOST, workplace.user_id, "TOKEN", "hunter2")
    job_id = str(uuid4())
    workplace.submit(flow, id=job_id, overrides=GIVEN.seal(workplace.store.secrets, job_id))
    assert workplace.to_end(job_id)[-1].terminal
    assert workplace.job(job_id).status is Status.COMPLETED
