"""From checked bodies to flows that can be stored, and how what is in their way is refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from flows.definition import flow_data
from flows.errors import FlowRefused, UnknownComponents
from storage.errors import NameTaken, TooMany
from storage.flow_store import MOST, NewFlow, taken_ids
from storage.projects import find_project, stored_project_id
from web.callers.caller import Caller
from web.errors import Refusal
from web.flow_schemas import AccessType, FlowBody
from web.services import Services
from web.workflows.accepting import invalid_flow


def new_flows(services: Services, caller: Caller, bodies: Sequence[FlowBody]) -> list[NewFlow]:
    """Each under its own id, or a new one when it has none or may not have that. Refuses those that cannot run."""
    definitions = [check(services, body.data) for body in bodies]
    wanted = {str(body.id) for body in bodies if body.id is not None}
    taken = taken_ids(services.store.database, wanted, caller.user_id)
    flows: list[NewFlow] = []
    for body, definition in zip(bodies, definitions, strict=True):
        flow_id = str(body.id) if body.id is not None and str(body.id) not in taken else str(uuid4())
        taken.add(flow_id)
        flows.append(new_flow(services, caller, body, flow_id, definition))
    return flows


def new_flow(services: Services, caller: Caller, body: FlowBody, flow_id: str, definition: dict[str, Any]) -> NewFlow:
    return NewFlow(
        id=flow_id,
        user_id=caller.user_id,
        name=body.name,
        definition=definition,
        description=body.description,
        endpoint_name=body.endpoint_name,
        tags=tuple(body.tags or ()),
        is_component=bool(body.is_component),
        is_public=body.access_type is AccessType.PUBLIC,
        max_tokens=body.max_tokens,
        project_id=_project_id(services, caller, body.folder_id),
        icon=body.icon,
        icon_bg_color=body.icon_bg_color,
        locked=bool(body.locked),
        mcp_enabled=bool(body.mcp_enabled),
    )


def check(services: Services, data: dict[str, Any]) -> dict[str, Any]:
    """The definition, if it can run. Refuses with every unknown type named."""
    try:
        definition = flow_data(data)
        services.store.graphs.check(definition)
    except UnknownComponents as unknown:
        raise Refusal(
            400, "Invalid flow data", "INVALID_FLOW_DATA", str(unknown), unknown_types=list(unknown.types)
        ) from None
    except FlowRefused as refused:
        raise invalid_flow(str(refused)) from None
    return definition


@contextmanager
def refusing() -> Iterator[None]:
    """Refuses what is in the way of flows that are to be stored."""
    try:
        yield
    except NameTaken as taken:
        raise name_taken(taken) from None
    except TooMany as many:
        raise too_many(str(many), MOST) from None


def name_taken(taken: NameTaken) -> Refusal:
    return Refusal(409, "Name taken", "NAME_TAKEN", str(taken), name=taken.name)


def too_many(message: str, limit: int) -> Refusal:
    return Refusal(422, "Too many flows", "TOO_MANY_FLOWS", message, limit=limit)


def _project_id(services: Services, caller: Caller, folder_id: UUID | None) -> str | None:
    """What is stored of the project that a body names; of one that the caller does not have, as exports of other
    servers name, nothing: the flow is in the default one then, as in Langflow."""
    if folder_id is None or find_project(services.store.database, caller.user_id, str(folder_id)) is None:
        return None
    return stored_project_id(caller.user_id, str(folder_id))
