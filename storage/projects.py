"""Projects: what a user keeps together. Each user has one by default, in which every flow is that is in no other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.database import Database
from storage.errors import LiveJobs, TooMany
from storage.flow_store import FLOW_COLUMNS, SOME_JOBS, FlowView, NewFlow, add_flows, flow_of, version_of
from storage.states import LIVE
from storage.tables import Flow, Job, Project, table_of

MOST = 500
"""Projects of one user at most (I10)."""
DEFAULT_NAME = "Starter Project"

_projects, _flows, _jobs = (table_of(table).c for table in (Project, Flow, Job))


@dataclass(frozen=True)
class ProjectView:
    """A stored project. The name of another may be the same."""

    id: str
    user_id: str
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_default(self) -> bool:
        return self.id == default_project_id(self.user_id)


_SHOWN = [_projects[name] for name in ProjectView.__dataclass_fields__]


def default_project_id(user_id: str) -> str:
    """The id of the project that a user has by default, whether its row was ever made or not."""
    return str(uuid5(NAMESPACE_OID, f"default project of {user_id}"))


def stored_project_id(user_id: str, project_id: str) -> str | None:
    """What a flow of a user stores of the project that it is in."""
    return None if project_id == default_project_id(user_id) else project_id


def list_projects(database: Database, user_id: str) -> list[ProjectView]:
    """The projects of a user by name, the default one first."""
    _ensure_default(database, user_id)
    statement = select(*_SHOWN).where(_projects.user_id == user_id).order_by(_projects.name, _projects.id)
    with database.read() as connection:
        found = [_view(row) for row in connection.execute(statement)]
    return sorted(found, key=lambda project: not project.is_default)


def find_project(database: Database, user_id: str, project_id: str) -> ProjectView | None:
    """A project of a user; None when they have no such one."""
    if project_id == default_project_id(user_id):
        _ensure_default(database, user_id)
    with database.read() as connection:
        row = connection.execute(select(*_SHOWN).where(*_mine(user_id, project_id))).one_or_none()
    return None if row is None else _view(row)


def create_project(
    database: Database,
    user_id: str,
    name: str,
    description: str | None = None,
    *,
    flow_ids: Collection[str] = (),
    flows: Sequence[NewFlow] = (),
) -> tuple[ProjectView, list[FlowView]]:
    """Stores a project, moves some flows of its user into it, and stores new ones in it; all or nothing. Returns the
    new flows with it. Raises `TooMany`, `LookupError` for an id that no flow of the user has, and as `create_flows`."""
    versions = [version_of(flow.definition) for flow in flows]
    with database.durable() as connection:
        _check_room(connection, user_id)
        project = _insert(connection, database, str(uuid4()), user_id, name, description)
        _move(connection, user_id, project.id, flow_ids)
        return project, add_flows(database, connection, flows, versions, project.id)


def change_project(database: Database, user_id: str, project_id: str, changes: Mapping[str, Any]) -> ProjectView | None:
    """Changes name or description; None when the user has no such project."""
    if project_id == default_project_id(user_id):
        _ensure_default(database, user_id)
    statement = update(Project).where(*_mine(user_id, project_id)).values(updated_at=now(), **changes)
    with database.durable() as connection:
        row = connection.execute(statement.returning(*_SHOWN)).one_or_none()
    return None if row is None else _view(row)


def flows_in(database: Database, project: ProjectView) -> list[FlowView]:
    """The flows in a project by name."""
    statement = select(*FLOW_COLUMNS).where(_is_in(project)).order_by(_flows.name, _flows.id)
    with database.read() as connection:
        return [flow_of(row) for row in connection.execute(statement)]


def delete_project(database: Database, project: ProjectView, by: Actor) -> bool:
    """Deletes a project with the flows in it, each as `delete_flow` does; false when it is gone already. A flow that
    comes into it at the same moment ends up in the default project. Raises `LiveJobs`, and then deletes nothing."""
    inside = select(_flows.id).where(_is_in(project)).with_for_update()
    with database.durable() as connection:
        flow_ids = connection.execute(inside).scalars().all()
        live = select(_jobs.id).where(_jobs.flow_id.in_(flow_ids), _jobs.status.in_(LIVE)).limit(SOME_JOBS)
        if found := connection.execute(live).scalars().all():
            raise LiveJobs(found)
        for flow_id in connection.execute(delete(Flow).where(_flows.id.in_(flow_ids)).returning(_flows.id)).scalars():
            record(connection, Deed(Action.FLOW_DELETED, flow_id, by))
        return connection.execute(delete(Project).where(_projects.id == project.id)).rowcount > 0


def _mine(user_id: str, project_id: str) -> tuple[ColumnElement[bool], ...]:
    return _projects.id == project_id, _projects.user_id == user_id


def _is_in(project: ProjectView) -> ColumnElement[bool]:
    stored = stored_project_id(project.user_id, project.id)
    return (_flows.user_id == project.user_id) & _flows.project_id.is_not_distinct_from(stored)


def _ensure_default(database: Database, user_id: str) -> None:
    """Makes the row of a default project that nobody has asked for yet; those who ask at once make one."""
    project_id = default_project_id(user_id)
    with database.read() as connection:
        if connection.execute(select(_projects.id).where(_projects.id == project_id)).one_or_none() is not None:
            return
    row = {"id": project_id, "user_id": user_id, "name": DEFAULT_NAME}
    with database.durable() as connection:
        adding = database.insert(Project).values(created_at=now(), updated_at=now(), **row)
        connection.execute(adding.on_conflict_do_nothing())


def _check_room(connection: Connection, user_id: str) -> None:
    """Those who add at the same moment may each find room for one."""
    held = select(func.count()).where(_projects.user_id == user_id)
    if connection.execute(held).scalar_one() >= MOST:
        raise TooMany(f"A user may have {MOST} projects. Delete some first.")


def _insert(
    connection: Connection, database: Database, project_id: str, user_id: str, name: str, description: str | None
) -> ProjectView:
    row = {"id": project_id, "user_id": user_id, "name": name, "description": description}
    adding = database.insert(Project).values(created_at=now(), updated_at=now(), **row)
    return _view(connection.execute(adding.returning(*_SHOWN)).one())


def _move(connection: Connection, user_id: str, project_id: str, flow_ids: Collection[str]) -> None:
    for flow_id in flow_ids:
        moved = update(Flow).where(_flows.id == flow_id, _flows.user_id == user_id).values(project_id=project_id)
        if not connection.execute(moved).rowcount:
            raise LookupError(flow_id)


def _view(row: Row[Any]) -> ProjectView:
    return ProjectView(**row._mapping)
