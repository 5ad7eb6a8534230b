"""A plan is a function of its seed, and leaves no fault out."""

import pytest

from tests.chaos.faults import DOINGS
from tests.chaos.plan import FIRST_AT, LATEST_DECISION, MEASURED, REST_SECONDS, TARGETS, FaultKind, SetUp, make_plan

CHOICES = ("approve", "reject")
BOTH = pytest.mark.parametrize("set_up", list(SetUp))


@BOTH
def test_a_seed_makes_the_same_plan_again(set_up: SetUp) -> None:
    assert make_plan(7, set_up, 50, 100) == make_plan(7, set_up, 50, 100)


@BOTH
def test_another_seed_makes_another_plan(set_up: SetUp) -> None:
    one, other = make_plan(7, set_up, 50, 100), make_plan(8, set_up, 50, 100)
    assert one.jobs != other.jobs
    assert one.groups != other.groups


@BOTH
def test_a_plan_has_the_jobs_that_were_asked_for(set_up: SetUp) -> None:
    """As many as asked for, in the order of their times, within the time."""
    jobs = make_plan(7, set_up, 50, 100).jobs
    assert [job.number for job in jobs] == list(range(1, 51))
    assert [job.at for job in jobs] == sorted(job.at for job in jobs)
    assert all(0 <= job.at <= 100 for job in jobs)


@BOTH
def test_only_a_key_is_used_more_than_once(set_up: SetUp) -> None:
    jobs = make_plan(7, set_up, 200, 100).jobs
    assert any(job.copies > 1 for job in jobs)
    assert all(job.copies == 1 for job in jobs if job.key is None)


@BOTH
def test_a_request_is_decided_as_the_seed_says(set_up: SetUp) -> None:
    """By one to four clients, who sometimes disagree, at once or later; whoever asks again gets the same."""
    plan = make_plan(7, set_up, 200, 100)
    found = [plan.decision(job.number, "HumanInput-1", CHOICES) for job in plan.jobs]
    assert found == [plan.decision(job.number, "HumanInput-1", CHOICES) for job in plan.jobs]
    assert {len(decision.actions) for decision in found} == {1, 2, 3, 4}
    assert {decision.actions[0] for decision in found} == set(CHOICES)
    assert any(len(set(decision.actions)) > 1 for decision in found)
    assert {0.0} < {decision.after for decision in found}
    assert all(decision.after <= LATEST_DECISION for decision in found)


@BOTH
@pytest.mark.parametrize("seed", range(5))
def test_a_long_plan_does_every_fault_to_what_it_can_be_done_to(set_up: SetUp, seed: int) -> None:
    faults = make_plan(seed, set_up, 10, 240).faults
    assert {fault.kind for fault in faults} == TARGETS[set_up].keys()
    assert all(fault.target in TARGETS[set_up][fault.kind] for fault in faults)


@BOTH
@pytest.mark.parametrize("seed", range(5))
def test_what_is_measured_comes_alone(set_up: SetUp, seed: int) -> None:
    """Each way to lose a worker is left alone at least once, for as long as a recovery may take."""
    groups = make_plan(seed, set_up, 10, 240).groups
    alone = {group.faults[0].kind for group in groups if len(group.faults) == 1 and group.rest == REST_SECONDS}
    assert alone >= set(MEASURED)


@BOTH
def test_faults_at_once_hit_different_things(set_up: SetUp) -> None:
    groups = [[fault.target for fault in group.faults] for group in make_plan(7, set_up, 10, 240).groups]
    assert any(len(targets) > 1 for targets in groups)
    assert all(len(targets) == len(set(targets)) for targets in groups)


@BOTH
def test_the_faults_fill_the_time(set_up: SetUp) -> None:
    """The last group begins before the time is over, and none is left that would."""
    begins = [group.seconds for group in make_plan(7, set_up, 10, 100).groups]
    assert FIRST_AT + sum(begins[:-1]) < 100 <= FIRST_AT + sum(begins)


def test_every_fault_can_be_done() -> None:
    assert set(DOINGS) == set(FaultKind)
