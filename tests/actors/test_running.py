"""The passes of a process can be ended from other threads, each only itself."""

import asyncio
from threading import Event, Thread

import pytest

from actors.running import Pass, RunningPasses
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import Claimed
from tests.actors.workplace import PATIENCE
from tests.storage.situations import JobMaker, claimed, taken_over


@pytest.fixture
def owner(log: EventLog, new_job: JobMaker) -> Claimed:
    return claimed(log, new_job())


async def wait_in(running: Pass, waits: Event) -> None:
    with running.cancellable():
        waits.set()
        await asyncio.Event().wait()


def test_what_awaits_is_cancelled(owner: Claimed) -> None:
    """A pass that awaits ends as lost when another thread says so."""
    running, waits = Pass(owner), Event()

    def lose_it() -> None:
        assert waits.wait(PATIENCE)
        running.lose()

    other = Thread(target=lose_it)
    other.start()
    with pytest.raises(PassLost, match=owner.job_id):
        asyncio.run(asyncio.wait_for(wait_in(running, waits), PATIENCE))
    other.join()


def test_a_loss_before_the_start_ends_it_too(owner: Claimed) -> None:
    """A pass that was lost before its task runs does not begin to wait."""
    running = Pass(owner)
    running.lose()
    with pytest.raises(PassLost, match=owner.job_id):
        asyncio.run(asyncio.wait_for(wait_in(running, Event()), PATIENCE))


def test_a_cancellation_by_somebody_else_is_no_loss(owner: Claimed) -> None:
    """A task that is cancelled for another reason stays cancelled."""

    async def scenario() -> None:
        task = asyncio.create_task(wait_in(Pass(owner), Event()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())


def test_a_loss_after_the_end_harms_nobody(owner: Claimed) -> None:
    """The loop goes on with what is not this pass's."""
    running = Pass(owner)

    async def scenario() -> str:
        with running.cancellable():
            pass
        running.lose()
        await asyncio.sleep(0)
        return "went on"

    assert asyncio.run(scenario()) == "went on"


def test_a_process_knows_its_passes(owner: Claimed) -> None:
    """From the entering to the end of the block, whatever ends it."""
    passes = RunningPasses()
    with passes.entered(owner):
        assert passes.owned() == [owner]
    with pytest.raises(PassLost), passes.entered(owner):
        raise PassLost
    assert passes.owned() == []


def test_only_the_named_pass_is_lost(owner: Claimed, log: EventLog, new_job: JobMaker) -> None:
    """Another job's pass goes on; a job that nobody runs here may be named too."""
    passes, other = RunningPasses(), claimed(log, new_job())

    async def scenario() -> None:
        with passes.entered(owner) as running, passes.entered(other), running.cancellable():
            passes.lose(other.job_id)
            passes.lose("unknown")
            await asyncio.sleep(0)

    asyncio.run(scenario())


def test_an_older_pass_does_not_hide_a_newer_one(owner: Claimed, log: EventLog) -> None:
    """When a process takes its own job over, the old pass's end leaves the new one known."""
    passes = RunningPasses()
    newer = taken_over(log, owner)
    old = passes.entered(owner)
    old.__enter__()
    with passes.entered(newer):
        old.__exit__(None, None, None)
        assert passes.owned() == [newer]
    assert passes.owned() == []


def test_an_old_fence_does_not_end_a_newer_pass(log: EventLog, new_job: JobMaker) -> None:
    """Who learned that a pass was lost ends that one, not the next one over the same job."""
    running, owner = RunningPasses(), claimed(log, new_job())

    async def work() -> None:
        with running.entered(owner) as current, current.cancellable():
            running.lose(owner.job_id, owner.fence - 1)
            await asyncio.sleep(0)

    asyncio.run(work())
