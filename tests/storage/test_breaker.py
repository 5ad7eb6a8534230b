import pytest

from storage.breaker import Breaker
from tests.storage.situations import at_once

SECONDS = 5.0


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def goes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(SECONDS, clock)


def test_everybody_passes_while_nothing_failed(breaker: Breaker) -> None:
    assert all(breaker.lets_pass() for _ in range(5))


def test_nobody_passes_for_a_while_after_a_failure(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    assert not breaker.lets_pass()
    clock.goes(SECONDS - 0.1)
    assert not breaker.lets_pass()


def test_then_one_at_a_time_tries_again(breaker: Breaker, clock: Clock) -> None:
    """Even when the one that tries never comes back."""
    breaker.failed()
    for _ in range(3):
        clock.goes(SECONDS)
        assert [breaker.lets_pass() for _ in range(4)] == [True, False, False, False]


def test_of_sixteen_that_would_try_again_at_once_one_does(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.goes(SECONDS)
    assert [race.result() for race in at_once([breaker.lets_pass] * 16)].count(True) == 1


def test_a_success_lets_everybody_pass_again(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.goes(SECONDS)
    assert breaker.lets_pass()
    breaker.succeeded()
    assert all(breaker.lets_pass() for _ in range(5))


def test_a_failure_of_the_one_that_tried_begins_the_while_anew(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.goes(SECONDS)
    assert breaker.lets_pass()
    clock.goes(SECONDS - 0.1)
    breaker.failed()
    clock.goes(SECONDS - 0.1)
    assert not breaker.lets_pass()
    clock.goes(0.1)
    assert breaker.lets_pass()
