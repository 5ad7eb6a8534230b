"""What a user may do with a flow and its jobs: what they own, what is shared with them, and nothing else."""

from collections.abc import Callable

import pytest

from storage.accounts import LOCAL_USER, Account
from storage.auditing import Action, Actor, Deed, DeedFilter, deeds
from storage.database import Database
from storage.errors import NoSuchUser
from storage.flow_store import FlowView, NewFlow, change_flow, create_flow, delete_flow
from storage.jobs import JobFilter, list_jobs
from storage.levels import Access, Level
from storage.log import EventLog
from storage.rights import flow_rights, job_rights, public_rights, reachable_flows
from storage.sharing import share, shares_of, unshare
from storage.submitting import NewJob
from tests.storage.situations import another_user, submitted

FLOW_ID = "6e8f4a7e-8b0e-4b4e-9a57-0f6b0a3f6a11"
BY = Actor("owner", "owner")


@pytest.fixture
def owner(database: Database, user_id: str) -> Account:
    return Account(user_id, LOCAL_USER, is_superuser=False)


@pytest.fixture
def other(database: Database) -> Account:
    user_id = another_user(database)
    return Account(user_id, user_id, is_superuser=False)


@pytest.fixture
def flow(database: Database, owner: Account) -> FlowView:
    return create_flow(database, NewFlow(FLOW_ID, owner.user_id, "a flow", {"nodes": [], "edges": []}))


def shared(database: Database, name: str | None, level: Level) -> str:
    """Shares the flow; the id of the share."""
    return share(database, FLOW_ID, name, level, Deed(Action.FLOW_SHARED, FLOW_ID, BY)).id


def access(database: Database, account: Account) -> Access:
    found = flow_rights(database, account, FLOW_ID)
    assert found is not None
    return found.access


@pytest.mark.usefixtures("flow")
def test_a_flow_is_its_owners_and_nobody_elses(database: Database, owner: Account, other: Account) -> None:
    assert (access(database, owner), access(database, other)) == (Access.OWN, Access.NONE)


@pytest.mark.usefixtures("flow")
def test_a_superuser_may_do_everything(database: Database, other: Account) -> None:
    assert access(database, Account(other.user_id, other.name, is_superuser=True)) is Access.OWN


@pytest.mark.usefixtures("flow")
@pytest.mark.parametrize("level", Level)
def test_a_share_allows_what_its_level_says(database: Database, other: Account, level: Level) -> None:
    shared(database, other.name, level)
    assert access(database, other) is Access.of(level)


@pytest.mark.usefixtures("flow")
def test_the_levels_of_a_share_include_one_another() -> None:
    assert Access.NONE < Access.of(Level.READ) < Access.of(Level.EXECUTE) < Access.of(Level.WRITE) < Access.OWN


@pytest.mark.usefixtures("flow")
def test_sharing_again_changes_the_level_and_adds_no_second_share(database: Database, other: Account) -> None:
    """I12."""
    first = shared(database, other.name, Level.WRITE)
    assert shared(database, other.name, Level.READ) == first
    assert [(found.name, found.level) for found in shares_of(database, FLOW_ID)] == [(other.name, Level.READ)]


@pytest.mark.usefixtures("flow")
def test_a_share_that_is_taken_back_allows_nothing_from_then_on(database: Database, other: Account) -> None:
    share_id = shared(database, other.name, Level.WRITE)
    assert unshare(database, FLOW_ID, share_id, Deed(Action.FLOW_UNSHARED, FLOW_ID, BY))
    assert access(database, other) is Access.NONE
    assert not unshare(database, FLOW_ID, share_id, Deed(Action.FLOW_UNSHARED, FLOW_ID, BY))


@pytest.mark.usefixtures("flow")
def test_shares_are_recorded_with_who_gave_them(database: Database, other: Account) -> None:
    unshare(database, FLOW_ID, shared(database, other.name, Level.READ), Deed(Action.FLOW_UNSHARED, FLOW_ID, BY))
    found = deeds(database, DeedFilter(subject=FLOW_ID))
    assert [(deed.action, deed.user_id) for deed in found] == [("flow_unshared", "owner"), ("flow_shared", "owner")]


@pytest.mark.usefixtures("flow")
def test_a_flow_cannot_be_shared_with_nobody(database: Database) -> None:
    with pytest.raises(NoSuchUser, match="nobody-there"):
        shared(database, "nobody-there", Level.READ)
    assert deeds(database, DeedFilter(subject=FLOW_ID)) == []


def test_what_is_shared_goes_with_its_flow(database: Database, flow: FlowView, other: Account) -> None:
    shared(database, other.name, Level.WRITE)
    assert delete_flow(database, flow.id)
    assert shares_of(database, flow.id) == []
    assert flow_rights(database, other, flow.id) is None


@pytest.mark.usefixtures("flow")
def test_the_flows_that_one_can_reach_are_ones_own_and_those_that_are_shared(
    database: Database, owner: Account, other: Account
) -> None:
    own = create_flow(database, NewFlow("own", other.user_id, "b flow", {"nodes": [], "edges": []}))
    assert [found.flow.id for found in reachable_flows(database, other)] == [own.id]
    shared(database, other.name, Level.READ)
    found = reachable_flows(database, other)
    assert [(one.flow.id, one.access) for one in found] == [(FLOW_ID, Access.READ), (own.id, Access.OWN)]


@pytest.mark.usefixtures("flow")
@pytest.mark.parametrize(("level", "granted"), [(Level.READ, Access.READ), (Level.EXECUTE, Access.EXECUTE)])
@pytest.mark.parametrize("published", [False, True])
def test_a_share_of_the_public_says_what_the_public_may_do(
    database: Database, level: Level, granted: Access, published: bool
) -> None:
    """Contract 6.2: only without one does it count whether the flow is published."""
    change_flow(database, FLOW_ID, {"is_public": published})
    without = public_rights(database, FLOW_ID)
    shared(database, None, level)
    found = public_rights(database, FLOW_ID)
    assert without is not None
    assert found is not None
    assert (without.access, found.access) == (Access.EXECUTE if published else Access.NONE, granted)


@pytest.mark.usefixtures("flow")
def test_what_the_public_may_do_is_no_right_of_a_user(database: Database, other: Account) -> None:
    """F10."""
    shared(database, None, Level.EXECUTE)
    assert access(database, other) is Access.NONE


def test_a_user_without_rights_on_a_flow_reads_no_jobs_of_it(
    log: EventLog, new_job: Callable[..., NewJob], flow: FlowView, other: Account
) -> None:
    """F2 and F6: of jobs that they ran themselves while they had the right."""
    job = new_job(user_id=other.user_id, flow_id=flow.id)
    submitted(log, job)
    wanted = JobFilter(other.user_id)
    share_id = shared(log.database, other.name, Level.READ)
    with_right, listed = job_rights(log.database, other, job.id), list_jobs(log.database, wanted)
    unshare(log.database, FLOW_ID, share_id, Deed(Action.FLOW_UNSHARED, FLOW_ID, BY))
    without, hidden = job_rights(log.database, other, job.id), list_jobs(log.database, wanted)
    assert with_right is not None
    assert without is not None
    assert (with_right.is_own, with_right.access, len(listed)) == (True, Access.READ, 1)
    assert (without.is_own, without.access, len(hidden)) == (True, Access.NONE, 0)


def test_of_a_deleted_flow_one_may_still_read_what_it_did(
    log: EventLog, new_job: Callable[..., NewJob], other: Account
) -> None:
    job = new_job(user_id=other.user_id, flow_id="gone")
    submitted(log, job)
    found = job_rights(log.database, other, job.id)
    assert found is not None
    assert (found.is_own, found.access) == (True, Access.READ)
    assert len(list_jobs(log.database, JobFilter(other.user_id))) == 1


def test_the_owner_of_a_flow_does_not_own_the_jobs_of_others(
    log: EventLog, new_job: Callable[..., NewJob], flow: FlowView, owner: Account, other: Account
) -> None:
    job = new_job(user_id=other.user_id, flow_id=flow.id)
    submitted(log, job)
    found = job_rights(log.database, owner, job.id)
    assert found is not None
    assert (found.is_own, found.access) == (False, Access.OWN)
