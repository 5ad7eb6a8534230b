"""One thread keeps what the process owns, and ends what it has lost."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from actors.broker import make_broker
from actors.lanes import bounds
from actors.middleware.heartbeat import Heartbeat
from actors.running import RunningPasses
from storage.ending import stop
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import Claimed
from tests.actors.workplace import PATIENCE, eventually, worker_on
from tests.storage.situations import (
    JobMaker,
    claimed,
    let_lease_expire,
    lies_in_the_future,
    taken_over,
    value_of,
)


@contextmanager
def beating(log: EventLog, running: RunningPasses) -> Iterator[None]:
    """A worker process without work, whose heart beats fast."""
    heartbeat = Heartbeat(log.database, running, 0.02, 600)
    with worker_on(make_broker(None, [heartbeat], bounds(1)), 1):
        yield


def test_a_lease_is_renewed(log: EventLog, new_job: JobMaker) -> None:
    """Every running pass keeps its job by the database's clock, a pass that has ended does not."""
    running, kept, ended = RunningPasses(), claimed(log, new_job()), claimed(log, new_job())
    for owner in (kept, ended):
        let_lease_expire(log.database, owner.job_id)
    with beating(log, running), running.entered(kept):
        eventually(lambda: lies_in_the_future(log.database, kept.job_id, "lease_until"))
    assert not lies_in_the_future(log.database, ended.job_id, "lease_until")
    assert value_of(log.database, kept.job_id, "fence") == kept.fence


async def hold(running: RunningPasses, owned: list[Claimed], then: Callable[[], object]) -> None:
    """Runs a pass that waits for ever, beside others that only count as running."""
    with ExitStack() as stack:
        passes = [stack.enter_context(running.entered(owner)) for owner in owned]
        with passes[0].cancellable():
            then()
            await asyncio.Event().wait()


@pytest.mark.parametrize("how", ["taken over", "stopped"])
def test_a_pass_whose_row_is_not_its_own_is_ended(log: EventLog, new_job: JobMaker, how: str) -> None:
    """It learns within a beat, though it writes nothing."""
    running, owner, other = RunningPasses(), claimed(log, new_job()), claimed(log, new_job())

    def lose() -> object:
        return taken_over(log, owner) if how == "taken over" else stop(log, owner.job_id, owner.user_id)

    with beating(log, running), pytest.raises(PassLost, match=owner.job_id):
        asyncio.run(asyncio.wait_for(hold(running, [owner, other], lose), PATIENCE))


def test_the_loss_of_one_leaves_the_others(log: EventLog, new_job: JobMaker) -> None:
    """A pass that still has its job goes on while another one is lost."""
    running, owner, lost = RunningPasses(), claimed(log, new_job()), claimed(log, new_job())

    async def scenario() -> None:
        with running.entered(owner) as kept, kept.cancellable():
            with pytest.raises(PassLost):
                await asyncio.create_task(hold(running, [lost], lambda: taken_over(log, lost)))
            let_lease_expire(log.database, owner.job_id)
            await asyncio.to_thread(eventually, lambda: lies_in_the_future(log.database, owner.job_id, "lease_until"))

    with beating(log, running):
        asyncio.run(asyncio.wait_for(scenario(), PATIENCE))
