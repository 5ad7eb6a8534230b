"""The passes of a process can be ended from other threads, each only itself, and end by themselves when nobody renews
their lease (fault A16)."""

import asyncio
from collections.abc import Callable
from threading import Event, Thread
from typing import NoReturn

import pytest

from actors.running import Pass, PassCut, RunningPasses
from storage.errors import PassLost
from tests.actors.passes import HandClock, a_claim, a_pass
from tests.actors.workplace import PATIENCE

LEASE = 40.0


async def wait_in(running: Pass, waits: Event) -> NoReturn:
    with running.cancellable():
        waits.set()
        await asyncio.Event().wait()
    raise AssertionError("nobody ended it")


def run_in_time(running: Pass, waits: Event | None = None) -> None:
    asyncio.run(asyncio.wait_for(wait_in(running, waits or Event()), PATIENCE))


def afterwards(waits: Event, then: Callable[[], object]) -> Thread:
    """Another thread that does something as soon as a pass waits."""

    def act() -> None:
        assert waits.wait(PATIENCE)
        then()

    other = Thread(target=act)
    other.start()
    return other


def test_what_awaits_is_cancelled_when_the_pass_is_lost() -> None:
    """A pass that awaits ends as lost when another thread says so."""
    running, waits = a_pass(), Event()
    other = afterwards(waits, running.lose)
    with pytest.raises(PassLost, match="a-job"):
        run_in_time(running, waits)
    other.join()
    assert running.is_over


def test_what_awaits_is_cancelled_when_the_process_ends() -> None:
    """It is told from a loss: its job is handed on."""
    running, waits = a_pass(), Event()
    other = afterwards(waits, running.cut)
    with pytest.raises(PassCut, match="a-job"):
        run_in_time(running, waits)
    other.join()
    assert running.is_over


@pytest.mark.parametrize(("first", "ended"), [("lose", PassLost), ("cut", PassCut)])
def test_of_two_ends_the_first_counts(first: str, ended: type[BaseException]) -> None:
    running = a_pass()
    for end in [first, "lose", "cut"]:
        getattr(running, end)()
    with pytest.raises(ended):
        run_in_time(running)


def test_an_end_before_the_start_ends_it_too() -> None:
    """A pass that was lost before its task runs does not begin to wait."""
    running = a_pass()
    running.lose()
    with pytest.raises(PassLost, match="a-job"):
        run_in_time(running)


@pytest.mark.parametrize("end", ["lose", "cut"])
def test_what_a_component_raises_when_it_is_cancelled_is_not_its_own_failure(end: str) -> None:
    """The pass ends as it was ended: a deploy fails no job."""
    running = a_pass()

    async def stubborn() -> None:
        with running.cancellable():
            getattr(running, end)()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ValueError("cut short") from None

    with pytest.raises(PassLost if end == "lose" else PassCut):
        asyncio.run(asyncio.wait_for(stubborn(), PATIENCE))


def test_a_cancellation_by_somebody_else_is_no_loss() -> None:
    """A task that is cancelled for another reason stays cancelled."""

    async def scenario() -> None:
        task = asyncio.create_task(wait_in(a_pass(), Event()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())


def test_a_loss_after_the_end_harms_nobody() -> None:
    """The loop goes on with what is not this pass's."""
    running = a_pass()

    async def scenario() -> str:
        with running.cancellable():
            pass
        running.lose()
        await asyncio.sleep(0)
        return "went on"

    assert asyncio.run(scenario()) == "went on"


def test_a_pass_whose_lease_is_over_ends_itself() -> None:
    """Nobody tells it: its heartbeat may be dead, or the database away."""
    with pytest.raises(PassLost, match="not renewed in time"):
        run_in_time(a_pass(lease_seconds=0.1))


def test_a_pass_whose_lease_was_over_before_it_began_does_not_begin() -> None:
    """It may have waited long for the database."""
    clock = HandClock()
    running = a_pass(lease_seconds=LEASE, clock=clock)
    clock.at = LEASE
    with pytest.raises(PassLost):
        run_in_time(running)


def test_a_renewed_pass_goes_on_past_the_end_of_its_first_lease() -> None:
    """And ends at the end of the last one."""
    clock = HandClock()
    running = a_pass(lease_seconds=0.3, clock=clock)

    async def scenario() -> None:
        with running.cancellable():
            running.tenure.renewed(0.2)
            clock.at = 0.4
            # Longer than the first lease: its watch looks, and finds the lease renewed.
            await asyncio.sleep(0.35)
            assert not running.is_over
            clock.at = 0.5
            await asyncio.Event().wait()

    with pytest.raises(PassLost):
        asyncio.run(asyncio.wait_for(scenario(), PATIENCE))


async def asked(running: Pass, then: Callable[[], object]) -> tuple[bool, bool]:
    """Whether a vertex was kept waiting until something happened, and whether it may start."""
    answer = asyncio.create_task(running.may_start())
    await asyncio.sleep(0.12)
    waited = not answer.done()
    then()
    return waited, await asyncio.wait_for(answer, PATIENCE)


def nothing() -> None:
    """What happens when nothing does."""


@pytest.mark.parametrize(("at", "waits"), [(0.0, False), (19.0, False), (20.0, True), (39.0, True)])
def test_past_the_half_of_its_lease_a_pass_starts_nothing_until_it_is_renewed(at: float, waits: bool) -> None:
    """What it began there could outlive it."""
    clock = HandClock()
    running = a_pass(lease_seconds=LEASE, clock=clock)
    clock.at = at
    assert asyncio.run(asked(running, lambda: running.tenure.renewed(at))) == (waits, True)


def test_a_pass_that_is_drained_starts_nothing() -> None:
    running = a_pass()
    running.drain()
    assert asyncio.run(asked(running, nothing)) == (False, False)


def test_a_pass_that_waits_to_be_renewed_may_be_drained() -> None:
    """It need not wait any longer."""
    clock = HandClock()
    running = a_pass(lease_seconds=LEASE, clock=clock)
    clock.at = 30.0
    assert asyncio.run(asked(running, running.drain)) == (True, False)
    assert not running.is_over


def test_a_process_knows_its_passes() -> None:
    """From the entering to the end of the block, whatever ends it."""
    passes, running = RunningPasses(), a_pass()
    assert passes.seconds_since_claim() is None
    with passes.entered(running):
        assert passes.all() == [running]
    with pytest.raises(PassLost), passes.entered(running):
        raise PassLost
    assert passes.all() == []
    assert passes.seconds_since_claim() is not None


def test_only_the_named_pass_is_lost() -> None:
    """Another job's pass goes on; a job that nobody runs here may be named too."""
    passes, kept, lost = RunningPasses(), a_pass(a_claim("kept")), a_pass(a_claim("lost"))
    with passes.entered(kept), passes.entered(lost):
        passes.lose("lost")
        passes.lose("unknown")
    assert (kept.is_over, lost.is_over) == (False, True)


def test_an_older_pass_does_not_hide_a_newer_one() -> None:
    """When a process takes its own job over, the old pass's end leaves the new one known."""
    passes, older, newer = RunningPasses(), a_pass(a_claim(fence=1)), a_pass(a_claim(fence=3))
    entered = passes.entered(older)
    entered.__enter__()
    with passes.entered(newer):
        entered.__exit__(None, None, None)
        assert passes.all() == [newer]
        passes.lose("a-job")
    assert (older.is_over, newer.is_over) == (False, True)
    assert passes.all() == []


def test_a_process_that_ends_drains_every_pass() -> None:
    """Those that run, and one whose claim was under way when it was asked to end."""
    passes, runs, comes = RunningPasses(), a_pass(a_claim("runs")), a_pass(a_claim("comes"))
    with passes.entered(runs):
        passes.drain()
        assert passes.is_draining
        with passes.entered(comes):
            assert [asyncio.run(running.may_start()) for running in (runs, comes)] == [False, False]
    assert [runs.is_over, comes.is_over] == [False, False]
