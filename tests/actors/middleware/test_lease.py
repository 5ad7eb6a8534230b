"""The claim stands before the actor's function and around it: what fails there is not swallowed (rule 10)."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from dramatiq import Actor, Broker
from dramatiq.brokers.stub import StubBroker
from sqlalchemy.exc import SQLAlchemyError

from actors.broker import make_broker
from actors.hints import ACTOR, Hints
from actors.lanes import bounds
from actors.middleware.lease import Lease
from actors.running import Pass, RunningPasses
from storage.database import Database
from storage.errors import PassLost
from storage.lanes import Lane
from storage.log import EventLog
from storage.losing import requeue
from storage.states import Mode, Status
from storage.stream import EventStream
from tests.actors.workplace import PATIENCE, worker_on
from tests.storage.situations import (
    LEASE_SECONDS,
    JobMaker,
    another_user,
    brought_to,
    claimed,
    contents,
    events_of,
    let_lease_expire,
    submitted,
    terms_of,
    value_of,
)

NOT_TO_BE_HAD = [status for status in Status if status is not Status.QUEUED]


class Builds:
    """The passes that an actor was given, and what building does."""

    def __init__(self) -> None:
        self.passes: list[Pass] = []
        self.then: Callable[[], Any] = lambda: None

    def __call__(self, running: Pass) -> None:
        self.passes.append(running)
        self.then()


@pytest.fixture
def builds() -> Builds:
    return Builds()


@pytest.fixture
def running() -> RunningPasses:
    return RunningPasses()


def actor_on(log: EventLog, running: RunningPasses, builds: Builds) -> tuple[Broker, Callable[..., None]]:
    """A broker in memory with the actor behind a lease, and that actor's function."""
    broker = make_broker(None, [Lease(log, running, terms_of("a-worker"))], bounds(4))

    def build(running: Pass) -> None:
        builds(running)

    actor: Any = Actor(build, broker=broker, actor_name=ACTOR, queue_name=Lane.BACKGROUND, priority=0, options={})
    return broker, actor.fn


def test_a_queued_job_is_claimed(log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker) -> None:
    """The function gets the pass, which counts as running while it is built; the pass has begun in the log."""
    _, work = actor_on(log, running, builds)
    job_id = submitted(log, new_job())
    known: list[Pass] = []
    builds.then = lambda: known.extend(running.all())
    work(job_id)
    [pass_] = builds.passes
    assert (pass_.claimed.job_id, pass_.claimed.fence, pass_.claimed.terms.worker) == (job_id, 1, "a-worker")
    assert (known, running.all()) == ([pass_], [])
    assert LEASE_SECONDS - PATIENCE < pass_.tenure.seconds_left <= LEASE_SECONDS
    assert [type for _, type, _ in events_of(log, job_id)] == ["warning", "build_start"]


def test_the_next_pass_of_a_lost_job_is_another_try(
    log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker
) -> None:
    """It has the next fence, and knows whose pass was cut off."""
    _, work = actor_on(log, running, builds)
    old = claimed(log, new_job(), "another-worker")
    let_lease_expire(log.database, old.job_id)
    work(old.job_id)
    assert builds.passes == []
    assert requeue(log, old.job_id)
    work(old.job_id)
    [found] = [pass_.claimed for pass_ in builds.passes]
    assert found.fence > old.fence
    assert (found.attempts, found.taken_from) == (2, "another-worker")


@pytest.fixture
def backlog(log: EventLog, new_job: JobMaker) -> list[str]:
    """Background jobs of two users in the order in which their turns come; the second to come was submitted last."""
    other = another_user(log.database)
    mine = [submitted(log, new_job()) for _ in range(2)]
    theirs = submitted(log, new_job(user_id=other))
    return [mine[0], theirs, mine[1]]


def test_a_hint_takes_whoever_s_turn_it_is(
    log: EventLog, running: RunningPasses, builds: Builds, backlog: list[str]
) -> None:
    """Whatever job it was sent for: users alternate, and each hint is one pass."""
    _, work = actor_on(log, running, builds)
    for taken in range(1, 4):
        work(backlog[-1], Lane.BACKGROUND)
        assert [found.claimed.job_id for found in builds.passes] == backlog[:taken]


def test_an_exact_hint_takes_that_very_job(
    log: EventLog, running: RunningPasses, builds: Builds, backlog: list[str]
) -> None:
    """Whoever's turn it is, and no other one."""
    _, work = actor_on(log, running, builds)
    work(backlog[-1])
    work(backlog[-1])
    assert [found.claimed.job_id for found in builds.passes] == backlog[-1:]


def test_a_hint_takes_nothing_from_the_other_lane(
    log: EventLog, running: RunningPasses, builds: Builds, backlog: list[str]
) -> None:
    _, work = actor_on(log, running, builds)
    work(backlog[0], Lane.INTERACTIVE)
    assert builds.passes == []


def test_a_blank_hint_drains_its_lane(
    log: EventLog, running: RunningPasses, builds: Builds, backlog: list[str], new_job: JobMaker
) -> None:
    """While there is no Redis to count hints, one stands for all that waits; what comes meanwhile is taken too."""
    _, work = actor_on(log, running, builds)
    interactive = submitted(log, new_job(mode=Mode.SYNC))
    comes = [new_job()]
    builds.then = lambda: [submitted(log, comes.pop()) for _ in range(len(comes))]
    wanted = [*backlog, comes[0].id]
    work("", Lane.BACKGROUND)
    assert [found.claimed.job_id for found in builds.passes] == wanted
    assert value_of(log.database, interactive, "status") == Status.QUEUED


def test_a_blank_hint_goes_on_behind_a_pass_that_is_lost(
    log: EventLog, running: RunningPasses, builds: Builds, backlog: list[str]
) -> None:
    _, work = actor_on(log, running, builds)
    builds.then = lambda: _raise(PassLost("taken over"))
    work("", Lane.BACKGROUND)
    assert [found.claimed.job_id for found in builds.passes] == backlog


@pytest.mark.parametrize("arguments", [("a-job", Lane.BACKGROUND), ("", Lane.BACKGROUND), ("a-job",)])
def test_nothing_is_claimed_by_a_process_that_ends(
    log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker, arguments: tuple[str, ...]
) -> None:
    """What waits is left to those who stay (fault A18)."""
    _, work = actor_on(log, running, builds)
    submitted(log, new_job(id="a-job"))
    before = contents(log.database)
    running.drain()
    work(*arguments)
    assert (builds.passes, contents(log.database)) == ([], before)


def test_a_blank_hint_ends_when_the_process_does(
    log: EventLog, running: RunningPasses, builds: Builds, backlog: list[str]
) -> None:
    """The pass that runs comes to its end; no further one begins."""
    _, work = actor_on(log, running, builds)
    builds.then = running.drain
    work("", Lane.BACKGROUND)
    assert [found.claimed.job_id for found in builds.passes] == backlog[:1]


@pytest.mark.parametrize("status", NOT_TO_BE_HAD)
def test_a_hint_for_a_job_that_is_not_to_be_had(
    log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker, status: Status
) -> None:
    """It is acknowledged and forgotten: nothing runs, nothing changes, and the worker takes the next one."""
    broker, _ = actor_on(log, running, builds)
    assert isinstance(broker, StubBroker)
    job_id = brought_to(log, new_job(), status).job_id
    before = contents(log.database)
    hints = Hints(broker)
    with worker_on(broker, 2):
        for hinted in (job_id, "unknown", "", job_id):
            hints.send(hinted, Mode.BACKGROUND)
            hints.send_for_this_one(hinted, Mode.BACKGROUND)
        broker.join(Lane.BACKGROUND, timeout=int(PATIENCE * 1000), fail_fast=True)
        assert (builds.passes, contents(log.database)) == ([], before)
        wanted = submitted(log, new_job())
        hints.send(wanted, Mode.BACKGROUND)
        broker.join(Lane.BACKGROUND, timeout=int(PATIENCE * 1000), fail_fast=True)
    assert [found.claimed.job_id for found in builds.passes] == [wanted]


def test_two_hints_for_one_job_are_one_pass(
    log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker
) -> None:
    """Hints may come twice, of either kind; the job is built once."""
    broker, _ = actor_on(log, running, builds)
    assert isinstance(broker, StubBroker)
    job_id = submitted(log, new_job())
    for _ in range(4):
        Hints(broker).send(job_id, Mode.BACKGROUND)
        Hints(broker).send_for_this_one(job_id, Mode.BACKGROUND)
    with worker_on(broker, 4):
        broker.join(Lane.BACKGROUND, timeout=int(PATIENCE * 1000), fail_fast=True)
    assert len(builds.passes) == 1


def test_a_claim_that_fails_propagates(
    stream: EventStream, running: RunningPasses, builds: Builds, tmp_path: Any
) -> None:
    """A database that cannot be asked is an error of the message, not a reason to run without a lease."""
    with closing(Database(f"sqlite:///{tmp_path / 'empty.db'}")) as without_tables:
        _, work = actor_on(EventLog(without_tables, stream), running, builds)
        with pytest.raises(SQLAlchemyError):
            work("a-job")
    assert builds.passes == []


def test_a_pass_that_is_lost_is_no_error(
    log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker
) -> None:
    """Its hint is done with; the job is left to whoever has it now."""
    _, work = actor_on(log, running, builds)
    builds.then = lambda: _raise(PassLost("taken over"))
    job_id = submitted(log, new_job())
    work(job_id)
    assert running.all() == []
    assert value_of(log.database, job_id, "status") == Status.IN_PROGRESS


def test_a_save_that_fails_propagates(log: EventLog, running: RunningPasses, builds: Builds, new_job: JobMaker) -> None:
    """What rises from the build rises to Dramatiq, and the pass counts as running no longer."""
    _, work = actor_on(log, running, builds)
    builds.then = lambda: _raise(SQLAlchemyError("the disk is full"))
    with pytest.raises(SQLAlchemyError, match="the disk is full"):
        work(submitted(log, new_job()))
    assert running.all() == []


def _raise(error: BaseException) -> None:
    raise error
