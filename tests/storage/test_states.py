from collections.abc import Callable
from itertools import product

import pytest

from storage.claiming import Claimed
from storage.clock import after
from storage.errors import PassLost
from storage.log import EventLog
from storage.states import HOLDS_KEY, LIVE, OUTCOMES, TERMINAL, Order, Outcome, Status, states_moved_by
from tests.storage.orders import GIVE, MOVES_TO, moved
from tests.storage.situations import (
    JobMaker,
    brought_to,
    change,
    contents,
    let_lease_expire,
    requests_are_due,
    taken_over,
    value_of,
)


def pairs(outcome: Outcome) -> pytest.MarkDecorator:
    """Runs a test for every state and order that the table gives this outcome."""
    found = [pair for pair, given in OUTCOMES.items() if given is outcome]
    assert found, f"no order has the outcome {outcome}"
    return pytest.mark.parametrize(("status", "order"), found)


def orders_that(status: Status, outcome: Outcome) -> list[Order]:
    """The orders to which the table gives this outcome in a state."""
    found = [order for order in Order if OUTCOMES[status, order] is outcome]
    assert found, f"no order has the outcome {outcome} for a job that is {status}"
    return found


@pytest.fixture
def bring(log: EventLog, new_job: JobMaker) -> Callable[[Status], Claimed]:
    """Makes a job in a state, with a human request, all deadlines past, and tells the pass it has or had."""

    def bring(status: Status) -> Claimed:
        owner = brought_to(log, new_job(), status, asks=True)
        requests_are_due(log.database, owner.job_id)
        change(log.database, owner.job_id, deadline_at=after(-1))
        return owner

    return bring


def test_the_table_has_no_hole_and_nothing_besides() -> None:
    assert set(OUTCOMES) == set(product(Status, Order))


def test_every_order_can_be_given_here() -> None:
    assert set(GIVE) == set(MOVES_TO) == set(Order)


def test_a_job_lives_or_has_ended() -> None:
    assert sorted(LIVE + TERMINAL) == sorted(Status)
    assert set(HOLDS_KEY) == {*LIVE, Status.COMPLETED}


@pytest.mark.parametrize("status", TERMINAL)
def test_no_order_moves_a_job_that_has_ended(status: Status) -> None:
    assert all(status not in states_moved_by(order) for order in Order)


@pairs(Outcome.MOVES)
def test_an_order_that_moves_takes_effect(
    log: EventLog, bring: Callable[[Status], Claimed], status: Status, order: Order
) -> None:
    owner = bring(status)
    assert GIVE[order](log, owner)
    assert value_of(log.database, owner.job_id, "status") == moved(status, order)


@pytest.mark.parametrize("status", Status)
def test_an_order_without_effect_changes_no_row(
    log: EventLog, bring: Callable[[Status], Claimed], status: Status
) -> None:
    owner = bring(status)
    before = contents(log.database)
    for order in orders_that(status, Outcome.NOTHING):
        assert not GIVE[order](log, owner), order
        assert contents(log.database) == before, order


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.IN_PROGRESS])
def test_a_pass_that_is_over_is_told_so_and_changes_no_row(
    log: EventLog, bring: Callable[[Status], Claimed], status: Status
) -> None:
    owner = bring(status)
    before = contents(log.database)
    for order in orders_that(status, Outcome.PASS_LOST):
        with pytest.raises(PassLost):
            GIVE[order](log, owner)
        assert contents(log.database) == before, order


@pairs(Outcome.IF_FENCE_HOLDS)
def test_an_order_of_a_pass_takes_effect_under_the_newest_fence_only(
    log: EventLog, bring: Callable[[Status], Claimed], status: Status, order: Order
) -> None:
    old = bring(status)
    new = taken_over(log, old)
    before = contents(log.database)
    with pytest.raises(PassLost):
        GIVE[order](log, old)
    assert contents(log.database) == before
    assert GIVE[order](log, new)
    assert value_of(log.database, new.job_id, "status") == moved(status, order)


@pairs(Outcome.IF_LEASE_EXPIRED)
def test_an_order_after_a_loss_takes_effect_when_the_lease_has_run_out(
    log: EventLog, bring: Callable[[Status], Claimed], status: Status, order: Order
) -> None:
    owner = bring(status)
    before = contents(log.database)
    assert not GIVE[order](log, owner)
    assert contents(log.database) == before
    let_lease_expire(log.database, owner.job_id)
    assert GIVE[order](log, owner)
    assert value_of(log.database, owner.job_id, "status") == moved(status, order)
