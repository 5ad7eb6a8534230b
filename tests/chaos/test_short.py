"""A short run of chaos on both set-ups leaves every invariant whole. `make chaos` is the long one."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import INVARIANTS, check
from tests.chaos.driver import run_plan
from tests.chaos.flows import FlowKind
from tests.chaos.plan import DATABASE, REDIS, FaultGroup, FaultKind, PlannedFault, SetUp, make_plan

ASKING = {FlowKind.ASKING, FlowKind.ASKING_MANY}
JOBS, SECONDS, SEED = 20, 7, 1
FAULTS = {
    SetUp.EMBEDDED: (
        PlannedFault(0.0, FaultKind.LOCK_JOBS, DATABASE, 2.0),
        PlannedFault(1.0, FaultKind.KILL_WORKER, "web", 0.5),
        PlannedFault(3.5, FaultKind.FREEZE_WORKER, "web", 3.6),
        PlannedFault(4.5, FaultKind.DEPLOY_WORKER, "web", 0.0),
    ),
    SetUp.SCALED: (
        PlannedFault(0.0, FaultKind.KILL_WORKER, "worker-1", 0.5),
        PlannedFault(0.5, FaultKind.FLUSH_REDIS, REDIS, 0.0),
        PlannedFault(1.0, FaultKind.SWALLOW_DATABASE, DATABASE, 2.0),
        PlannedFault(1.5, FaultKind.FREEZE_WORKER, "worker-2", 4.0),
        PlannedFault(4.0, FaultKind.CUT_DATABASE, DATABASE, 0.0),
        PlannedFault(4.5, FaultKind.BOUNCE_REDIS, REDIS, 1.5),
        PlannedFault(5.0, FaultKind.DEPLOY_WORKER, "worker-1", 0.0),
    ),
}


@pytest.mark.parametrize("set_up", [SetUp.EMBEDDED, pytest.param(SetUp.SCALED, marks=pytest.mark.real_services)])
def test_a_short_run_breaks_no_invariant(set_up: SetUp, tmp_path: Path) -> None:
    """Every planned fault was done, and what was accepted came to its end as it should."""
    plan = replace(make_plan(SEED, set_up, JOBS, SECONDS), groups=(FaultGroup(FAULTS[set_up], rest=0),))
    evidence = run_plan(plan, tmp_path)
    assert [str(violation) for violation in check(evidence, INVARIANTS)] == []
    assert sorted(fault.kind for fault in evidence.faults) == sorted(fault.kind for fault in plan.faults)
    assert len(evidence.jobs) > JOBS / 2
    assert evidence.ledger
    assert {job.flow for job in plan.jobs} >= ASKING
    assert any(call.is_accepted for calls in evidence.decisions.values() for call in calls)
