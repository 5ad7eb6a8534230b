"""What a user may do with a flow and its jobs, decided by what is stored at that moment (I9)."""

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row, Select, and_, bindparam, exists, select

from storage.accounts import Account
from storage.database import Database
from storage.flow_store import FLOW_COLUMNS, FlowView, flow_of
from storage.jobs import JOB_COLUMNS, JobView, job_of
from storage.levels import Access
from storage.tables import Flow, FlowShare, Job, User, table_of

_flows, _shares, _jobs, _users = (table_of(table).c for table in (Flow, FlowShare, Job, User))
_share_of_user = and_(_shares.flow_id == _flows.id, _shares.user_id == bindparam("of_user"))
_share_of_public = and_(_shares.flow_id == _flows.id, _shares.user_id.is_(None))


def _flows_with(share: Any) -> Select[Any]:
    return select(*FLOW_COLUMNS, _shares.level).select_from(table_of(Flow).outerjoin(table_of(FlowShare), share))


_FLOW = _flows_with(_share_of_user).where(_flows.id == bindparam("of_flow"))
_PUBLIC_FLOW = (
    _flows_with(_share_of_public)
    .where(_flows.id == bindparam("of_flow"))
    .where(exists().where(_users.id == _flows.user_id, _users.is_active))
)
_REACHABLE = (
    _flows_with(_share_of_user)
    .where((_flows.user_id == bindparam("of_user")) | _shares.level.is_not(None))
    .order_by(_flows.name, _flows.id)
)
_JOB = (
    select(*JOB_COLUMNS, _flows.user_id.label("flow_owner"), _shares.level)
    .select_from(
        table_of(Job)
        .outerjoin(table_of(Flow), _flows.id == _jobs.flow_id)
        .outerjoin(table_of(FlowShare), _share_of_user)
    )
    .where(_jobs.id == bindparam("of_job"))
)


@dataclass(frozen=True)
class FlowRights:
    """A flow, and what a user may do with it."""

    flow: FlowView
    access: Access


@dataclass(frozen=True)
class JobRights:
    """A job, whether it is the user's own, and what they may do with its flow. Of a flow that was deleted one may
    still read what it did."""

    job: JobView
    is_own: bool
    access: Access
    flow_is_gone: bool

    @property
    def sees_graph(self) -> bool:
        """Whether they may be shown the state of its graph: they might when they ran it, and may now."""
        return self.job.expose_graph_state and (self.flow_is_gone or self.access >= Access.WRITE)


def flow_rights(database: Database, account: Account, flow_id: str) -> FlowRights | None:
    """What an account may do with a flow; None when there is no such flow."""
    with database.read() as connection:
        row = connection.execute(_FLOW, {"of_flow": flow_id, "of_user": account.user_id}).one_or_none()
    return None if row is None else FlowRights(flow_of(row), _access(account, row.user_id, row.level))


def public_rights(database: Database, flow_id: str) -> FlowRights | None:
    """What anybody may do with a flow: what its share of the public says, else run it when it is published (contract
    6.2); None when there is no such flow of an active user."""
    with database.read() as connection:
        row = connection.execute(_PUBLIC_FLOW, {"of_flow": flow_id}).one_or_none()
    if row is None:
        return None
    flow = flow_of(row)
    published = Access.EXECUTE if flow.is_public else Access.NONE
    return FlowRights(flow, published if row.level is None else min(Access.of(row.level), Access.EXECUTE))


def reachable_flows(database: Database, account: Account) -> list[FlowRights]:
    """The flows of an account, and those that others share with it, by name."""
    with database.read() as connection:
        rows = connection.execute(_REACHABLE, {"of_user": account.user_id}).all()
    return [FlowRights(flow_of(row), _access(account, row.user_id, row.level)) for row in rows]


def job_rights(database: Database, account: Account, job_id: str) -> JobRights | None:
    """What an account may do with a job and its flow; None when there is no such job."""
    with database.read() as connection:
        row = connection.execute(_JOB, {"of_job": job_id, "of_user": account.user_id}).one_or_none()
    if row is None:
        return None
    job = job_of(cast("Row[Any]", row))
    is_gone = row.flow_owner is None
    access = Access.READ if is_gone else _access(account, row.flow_owner, row.level)
    return JobRights(job, job.user_id == account.user_id or account.is_superuser, access, is_gone)


def _access(account: Account, owner: str, level: str | None) -> Access:
    return Access.granted(owns=owner == account.user_id, is_superuser=account.is_superuser, level=level)
