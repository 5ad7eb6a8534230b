"""What whoever runs a job may do with its flow, as the claim of its pass finds it."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlmodel import col

from storage.auditing import Action, Actor, Deed
from storage.flow_store import NewFlow, create_flow
from storage.levels import Access, Level, Trust
from storage.log import EventLog
from storage.runners import Runner
from storage.sharing import share
from storage.submitting import NewJob
from storage.tables import User
from tests.storage.situations import another_user, claimed

FLOW_ID = "6e8f4a7e-8b0e-4b4e-9a57-0f6b0a3f6a11"


@pytest.fixture
def runner(log: EventLog, user_id: str) -> str:
    """A user who runs a flow that is another's."""
    create_flow(log.database, NewFlow(FLOW_ID, user_id, "a flow", {"nodes": [], "edges": []}))
    return another_user(log.database)


def shared(log: EventLog, with_user: str, level: Level) -> None:
    share(log.database, FLOW_ID, with_user, level, Deed(Action.FLOW_SHARED, FLOW_ID, Actor("owner")))


def changed(log: EventLog, user_id: str, **columns: bool) -> None:
    with log.database.durable() as connection:
        connection.execute(update(User).where(col(User.id) == user_id).values(**columns))


def test_the_owner_of_a_flow_may_run_it(log: EventLog, new_job: Callable[..., NewJob], user_id: str) -> None:
    create_flow(log.database, NewFlow(FLOW_ID, user_id, "a flow", {"nodes": [], "edges": []}))
    assert claimed(log, new_job(flow_id=FLOW_ID)).runner == Runner(Access.OWN, owns_flow=True)


def test_a_flow_that_came_with_the_run_is_its_runners(log: EventLog, new_job: Callable[..., NewJob]) -> None:
    assert claimed(log, new_job(flow_id="nowhere stored")).runner == Runner(Access.OWN, owns_flow=True)


@pytest.mark.parametrize("level", [None, *Level])
def test_somebody_else_may_run_it_as_far_as_it_is_shared(
    log: EventLog, new_job: Callable[..., NewJob], runner: str, level: Level | None
) -> None:
    if level is not None:
        shared(log, runner, level)
    found = claimed(log, new_job(flow_id=FLOW_ID, user_id=runner))
    assert found.runner == Runner(Access.of(level), owns_flow=False)
    assert found.runner.may_run is (level in (Level.EXECUTE, Level.WRITE))
    assert found.trust is (Trust.FULL if level is Level.WRITE else Trust.CONFINED)


def test_a_share_with_somebody_else_counts_for_nobody(
    log: EventLog, new_job: Callable[..., NewJob], runner: str
) -> None:
    shared(log, another_user(log.database), Level.WRITE)
    assert claimed(log, new_job(flow_id=FLOW_ID, user_id=runner)).runner.access is Access.NONE


def test_a_superuser_may_run_every_flow_and_owns_only_theirs(
    log: EventLog, new_job: Callable[..., NewJob], runner: str
) -> None:
    changed(log, runner, is_superuser=True)
    found = claimed(log, new_job(flow_id=FLOW_ID, user_id=runner))
    assert found.runner == Runner(Access.OWN, owns_flow=False)


def test_who_may_do_nothing_any_more_runs_nothing(log: EventLog, new_job: Callable[..., NewJob], user_id: str) -> None:
    changed(log, user_id, is_active=False)
    assert not claimed(log, new_job(flow_id="a-flow")).runner.may_run


@pytest.mark.parametrize("trust", [Trust.CONFINED, Trust.PUBLIC])
def test_nobody_is_trusted_further_than_when_they_asked(
    log: EventLog, new_job: Callable[..., NewJob], user_id: str, trust: Trust
) -> None:
    assert claimed(log, new_job(flow_id="a-flow", trust=trust)).trust is trust
