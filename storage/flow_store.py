"""Flows and their immutable versions."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.database import Database
from storage.errors import LiveJobs, NameTaken
from storage.states import LIVE
from storage.tables import Flow, FlowVersion, Job


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


FLOW_COLUMNS = [getattr(Flow, name) for name in FlowView.__dataclass_fields__]
_FIND = select(*FLOW_COLUMNS).where(col(Flow.id) == bindparam("of_flow"))


def create_flow(database: Database, flow: NewFlow) -> FlowView:
    """Stores a flow and its first version. Raises `NameTaken` for an endpoint name or id that exists already."""
    [created] = create_flows(database, [flow])
    return created


def create_flows(database: Database, flows: Sequence[NewFlow]) -> list[FlowView]:
    """Stores all of some flows, or none of them. Raises `NameTaken`."""
    with database.durable() as connection:
        return [_create(connection, flow) for flow in flows]


def _create(connection: Connection, flow: NewFlow) -> FlowView:
    version_id, text = version_of(flow.definition)
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
    }
    put_version(connection, version_id, text)
    statement = insert(Flow).values(created_at=now(), updated_at=now(), **row).returning(*FLOW_COLUMNS)
    try:
        return flow_of(connection.execute(statement).one())
    except IntegrityError:
        raise NameTaken(flow.endpoint_name or flow.id) from None


def change_flow(database: Database, flow_id: str, changes: Mapping[str, Any], by: Actor | None = None) -> FlowView:
    """Changes fields of a flow; `definition` makes a new version, and jobs go on with theirs. Raises `NameTaken`,
    and `LookupError` for a flow that does not exist. Recorded is only who published it."""
    values = dict(changes)
    if "tags" in values:
        values["tags"] = orjson.dumps(values["tags"]).decode()
    definition = values.pop("definition", None)
    try:
        with database.durable() as connection:
            if definition is not None:
                values["version_id"], text = version_of(definition)
                put_version(connection, values["version_id"], text)
            statement = update(Flow).where(col(Flow.id) == flow_id).values(updated_at=now(), **values)
            row = connection.execute(statement.returning(*FLOW_COLUMNS)).one_or_none()
            if by is not None and "is_public" in values:
                published = Action.FLOW_PUBLISHED if values["is_public"] else Action.FLOW_UNPUBLISHED
                record(connection, Deed(published, flow_id, by))
    except IntegrityError:
        raise NameTaken(str(values.get("endpoint_name"))) from None
    if row is None:
        raise LookupError(flow_id)
    return flow_of(row)


def delete_flow(database: Database, flow_id: str, by: Actor | None = None) -> bool:
    """Deletes a flow; its finished jobs and the versions they ran stay readable. Raises `LiveJobs`."""
    live = select(exists().where(col(Job.flow_id) == flow_id, col(Job.status).in_(LIVE)))
    with database.durable() as connection:
        if connection.execute(live).scalar_one():
            raise LiveJobs("Jobs of this flow are still queued, running or suspended. Stop them first.")
        is_gone = connection.execute(delete(Flow).where(col(Flow.id) == flow_id)).rowcount > 0
        if is_gone and by is not None:
            record(connection, Deed(Action.FLOW_DELETED, flow_id, by))
        return is_gone


def find_flow(database: Database, flow_id: str) -> FlowView | None:
    """One flow, whoever owns it."""
    with database.read() as connection:
        row = connection.execute(_FIND, {"of_flow": flow_id}).one_or_none()
    return flow_of(row) if row is not None else None


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
