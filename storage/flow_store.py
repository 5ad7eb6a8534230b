"""Flows and their immutable versions."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.database import Database
from storage.errors import FlowIdTaken, LiveJobs, NameTaken, TooMany
from storage.states import LIVE
from storage.tables import Flow, FlowVersion, Job

MOST = 5_000
"""Flows of one user at most (I10)."""
SOME_JOBS = 10
"""Jobs that are named to whoever must stop them first."""


@dataclass(frozen=True)
class FlowView:
    """A stored flow without its definition."""

    id: str
    user_id: str
    name: str
    description: str | None
    endpoint_name: str | None
    tags: tuple[str, ...]
    is_component: bool
    is_public: bool
    version_id: str
    max_tokens: int | None
    project_id: str | None
    """None for the default project of its owner."""
    icon: str | None
    icon_bg_color: str | None
    locked: bool
    mcp_enabled: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class NewFlow:
    """What a flow is made of. `definition` is `{nodes, edges, …}`, checked before it comes here."""

    id: str
    user_id: str
    name: str
    definition: Mapping[str, Any]
    description: str | None = None
    endpoint_name: str | None = None
    tags: tuple[str, ...] = field(default=())
    is_component: bool = False
    is_public: bool = False
    max_tokens: int | None = None
    project_id: str | None = None
    icon: str | None = None
    icon_bg_color: str | None = None
    locked: bool = False
    mcp_enabled: bool = False


FLOW_COLUMNS = [getattr(Flow, name) for name in FlowView.__dataclass_fields__]
_FIND = select(*FLOW_COLUMNS).where(col(Flow.id) == bindparam("of_flow"))


def create_flow(database: Database, flow: NewFlow) -> FlowView:
    """Stores a flow and its first version. Raises as `create_flows`."""
    [created] = create_flows(database, [flow])
    return created


def create_flows(database: Database, flows: Sequence[NewFlow]) -> list[FlowView]:
    """Stores all of some flows of one user, or none of them. What takes long is done before the transaction, which
    holds up every other writer. Raises `TooMany`, `FlowIdTaken` and, for an endpoint name, `NameTaken`."""
    versions = [version_of(flow.definition) for flow in flows]
    with database.durable() as connection:
        return add_flows(database, connection, flows, versions)


def add_flows(
    database: Database,
    connection: Connection,
    flows: Sequence[NewFlow],
    versions: Sequence[tuple[str, str]],
    project_id: str | None = None,
) -> list[FlowView]:
    """The same inside an open transaction, with the version of each, and for all of them the project they are in."""
    if not flows:
        return []
    _check_room(connection, flows)
    if taken := _taken_ids(connection, [flow.id for flow in flows], flows[0].user_id):
        raise FlowIdTaken(min(taken))
    _put_versions(database, connection, dict(versions))
    placed = flows if project_id is None else [replace(flow, project_id=project_id) for flow in flows]
    return [_create(database, connection, flow, id) for flow, (id, _) in zip(placed, versions, strict=True)]


def taken_ids(database: Database, flow_ids: Collection[str], user_id: str) -> set[str]:
    """Which of some ids no new flow of a user may have: those of stored flows, and those of deleted ones that somebody
    else ran, whose jobs would be hidden from them behind the new flow."""
    with database.read() as connection:
        return _taken_ids(connection, flow_ids, user_id)


def _taken_ids(connection: Connection, flow_ids: Collection[str], user_id: str) -> set[str]:
    stored = select(col(Flow.id)).where(col(Flow.id).in_(flow_ids))
    run = select(col(Job.flow_id)).where(col(Job.flow_id).in_(flow_ids), col(Job.user_id) != user_id)
    return set(connection.execute(stored.union(run)).scalars())


def _check_room(connection: Connection, flows: Sequence[NewFlow]) -> None:
    """Those who add at the same moment may each find room."""
    held = select(func.count()).where(col(Flow.user_id) == flows[0].user_id)
    if connection.execute(held).scalar_one() + len(flows) > MOST:
        raise TooMany(f"A user may have {MOST} flows. Delete some first.")


def _put_versions(database: Database, connection: Connection, texts: Mapping[str, str]) -> None:
    """Stores those versions that are not there yet, in one order for all, so that two who store the same ones do not
    wait for each other."""
    known = set(connection.execute(select(col(FlowVersion.id)).where(col(FlowVersion.id).in_(texts))).scalars())
    rows = [{"id": id, "definition": texts[id]} for id in sorted(texts.keys() - known)]
    if rows:
        connection.execute(database.insert(FlowVersion).values(created_at=now()).on_conflict_do_nothing(), rows)


def _create(database: Database, connection: Connection, flow: NewFlow, version_id: str) -> FlowView:
    row = {
        "id": flow.id,
        "user_id": flow.user_id,
        "name": flow.name,
        "description": flow.description,
        "endpoint_name": flow.endpoint_name,
        "tags": orjson.dumps(flow.tags).decode(),
        "is_component": flow.is_component,
        "is_public": flow.is_public,
        "version_id": version_id,
        "max_tokens": flow.max_tokens,
        "project_id": flow.project_id,
        "icon": flow.icon,
        "icon_bg_color": flow.icon_bg_color,
        "locked": flow.locked,
        "mcp_enabled": flow.mcp_enabled,
    }
    adding = database.insert(Flow).values(created_at=now(), updated_at=now(), **row)
    statement = adding.on_conflict_do_nothing(index_elements=["id"]).returning(*FLOW_COLUMNS)
    try:
        created = connection.execute(statement).one_or_none()
    except IntegrityError:
        if flow.endpoint_name is None:
            # Its project was deleted at the same moment: nothing is stored, and it may be tried again.
            raise
        raise NameTaken(flow.endpoint_name) from None
    if created is None:
        # Somebody stored a flow under this id at the same moment, or it came twice.
        raise FlowIdTaken(flow.id)
    return flow_of(created)


def change_flow(database: Database, flow_id: str, changes: Mapping[str, Any], by: Actor | None = None) -> FlowView:
    """Changes fields of a flow; `definition` makes a new version, and jobs go on with theirs. Raises `NameTaken`,
    and `LookupError` for a flow that does not exist. Recorded is only who published it."""
    values = dict(changes)
    if "tags" in values:
        values["tags"] = orjson.dumps(values["tags"]).decode()
    definition = values.pop("definition", None)
    version = version_of(definition) if definition is not None else None
    try:
        with database.durable() as connection:
            if version is not None:
                put_version(connection, *version)
                values["version_id"] = version[0]
            statement = update(Flow).where(col(Flow.id) == flow_id).values(updated_at=now(), **values)
            row = connection.execute(statement.returning(*FLOW_COLUMNS)).one_or_none()
            if row is None:
                raise LookupError(flow_id)
            if by is not None and "is_public" in values:
                published = Action.FLOW_PUBLISHED if values["is_public"] else Action.FLOW_UNPUBLISHED
                record(connection, Deed(published, flow_id, by))
    except IntegrityError:
        if values.get("endpoint_name") is None:
            # Its new project was deleted at the same moment: nothing is changed, and it may be tried again.
            raise
        raise NameTaken(str(values["endpoint_name"])) from None
    return flow_of(row)


def delete_flow(database: Database, flow_id: str, by: Actor | None = None) -> bool:
    """Deletes a flow, with its shares and its files; its finished jobs and the versions they ran stay readable. Raises
    `LiveJobs`."""
    live = select(col(Job.id)).where(col(Job.flow_id) == flow_id, col(Job.status).in_(LIVE)).limit(SOME_JOBS)
    with database.durable() as connection:
        if found := connection.execute(live).scalars().all():
            raise LiveJobs(found)
        is_gone = connection.execute(delete(Flow).where(col(Flow.id) == flow_id)).rowcount > 0
        if is_gone and by is not None:
            record(connection, Deed(Action.FLOW_DELETED, flow_id, by))
        return is_gone


def find_flow(database: Database, flow_id: str) -> FlowView | None:
    """One flow, whoever owns it."""
    with database.read() as connection:
        row = connection.execute(_FIND, {"of_flow": flow_id}).one_or_none()
    return flow_of(row) if row is not None else None


def flow_of_endpoint(database: Database, user_id: str, name: str) -> str | None:
    """The id of the flow of a user that has this endpoint name."""
    if "\x00" in name:
        # PostgreSQL cannot even be asked for it.
        return None
    statement = select(col(Flow.id)).where(col(Flow.user_id) == user_id, col(Flow.endpoint_name) == name)
    with database.read() as connection:
        found: str | None = connection.execute(statement).scalar_one_or_none()
    return found


def list_flows(database: Database, user_id: str) -> list[FlowView]:
    """All flows of a user by name."""
    statement = select(*FLOW_COLUMNS).where(col(Flow.user_id) == user_id).order_by(col(Flow.name), col(Flow.id))
    with database.read() as connection:
        return [flow_of(row) for row in connection.execute(statement)]


def store_version(database: Database, definition: Mapping[str, Any]) -> str:
    """Stores a definition that only a job will run, and returns the id of its version."""
    version_id, text = version_of(definition)
    with database.durable() as connection:
        put_version(connection, version_id, text)
    return version_id


def load_version(database: Database, version_id: str) -> dict[str, Any]:
    """The definition of a version. Raises `LookupError`."""
    statement = select(col(FlowVersion.definition)).where(col(FlowVersion.id) == version_id)
    with database.read() as connection:
        text = connection.execute(statement).scalar_one_or_none()
    if text is None:
        raise LookupError(version_id)
    definition: dict[str, Any] = orjson.loads(text)
    return definition


def load_versions(database: Database, version_ids: Collection[str]) -> Mapping[str, dict[str, Any]]:
    """The definitions of some versions by their ids, in one statement."""
    statement = select(col(FlowVersion.id), col(FlowVersion.definition)).where(col(FlowVersion.id).in_(version_ids))
    with database.read() as connection:
        return {row.id: orjson.loads(row.definition) for row in connection.execute(statement)}


def version_of(definition: Mapping[str, Any]) -> tuple[str, str]:
    """The id of a definition, which is the hash of its content, and its text. Key order does not count."""
    encoded = orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(encoded).hexdigest(), encoded.decode()


def put_version(connection: Connection, version_id: str, text: str) -> None:
    """Stores a version inside an open transaction, unless it is there already."""
    known = select(exists().where(col(FlowVersion.id) == version_id))
    if connection.execute(known).scalar_one():
        return
    row = {"id": version_id, "definition": text}
    try:
        with connection.begin_nested():
            connection.execute(insert(FlowVersion).values(created_at=now(), **row))
    except IntegrityError:
        # The same content was stored at the same moment; a version is its content, so either will do.
        return


def flow_of(row: Row[Any]) -> FlowView:
    """A flow from a row that has at least its columns."""
    fields = {name: row._mapping[name] for name in FlowView.__dataclass_fields__}
    return FlowView(**{**fields, "tags": tuple(orjson.loads(fields["tags"]))})
