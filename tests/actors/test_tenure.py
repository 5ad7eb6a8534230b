"""A pass relies on its job no longer than the database would say."""

import pytest

from actors.tenure import Tenure
from tests.actors.passes import HandClock

LEASE = 40.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tenure(clock: HandClock) -> Tenure:
    return Tenure(LEASE, clock, since=0.0)


@pytest.mark.parametrize(
    ("at", "is_fresh", "is_over"),
    [(0.0, True, False), (19.9, True, False), (20.0, False, False), (39.9, False, False), (40.0, False, True)],
)
def test_it_is_fresh_for_half_of_the_lease_and_over_after_all_of_it(
    tenure: Tenure, clock: HandClock, at: float, is_fresh: bool, is_over: bool
) -> None:
    clock.at = at
    assert (tenure.is_fresh, tenure.is_over) == (is_fresh, is_over)
    assert tenure.seconds_left == LEASE - at


def test_a_renewal_counts_from_the_moment_it_was_asked_for(tenure: Tenure, clock: HandClock) -> None:
    """The database began to count later, so it ends here before it ends there."""
    clock.at = 10.0
    asked_at = tenure.now()
    clock.at = 25.0
    tenure.renewed(asked_at)
    assert tenure.seconds_left == LEASE - 15.0


def test_an_answer_that_comes_late_takes_nothing_away(tenure: Tenure) -> None:
    """Two threads renew one lease; whose statement began last counts."""
    tenure.renewed(10.0)
    tenure.renewed(5.0)
    assert tenure.seconds_left == LEASE + 10.0


def test_what_was_over_may_begin_again(tenure: Tenure, clock: HandClock) -> None:
    """When the database still says so."""
    clock.at = 41.0
    assert tenure.is_over
    tenure.renewed(40.5)
    assert tenure.is_fresh
