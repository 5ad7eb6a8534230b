"""How flows are answered."""

from collections.abc import Mapping
from typing import Any

from flows.secrets import redacted
from storage.flow_store import FlowView, load_version
from storage.levels import Access
from storage.projects import default_project_id
from storage.rights import FlowRights
from web.callers.caller import Caller
from web.flow_schemas import AccessType, FlowDetail
from web.services import Services


def seen(caller: Caller, found: FlowRights) -> FlowRights:
    """A flow as a caller may know it: whoever a service calls for may run what it owns, and no more (contract 6.4)."""
    return found if caller.end_user is None else FlowRights(found.flow, min(found.access, Access.EXECUTE))


def folder_of(flow: FlowView) -> str:
    """The id of the project that a flow is in."""
    return flow.project_id or default_project_id(flow.user_id)


def whole(services: Services, found: FlowRights) -> dict[str, Any]:
    """A flow with its definition."""
    return shown(found, load_version(services.store.database, found.flow.version_id))


def shown(found: FlowRights, definition: Mapping[str, Any] | None) -> dict[str, Any]:
    """A flow as it is answered; the definition without its secrets for whoever may not change it."""
    flow, may_write = found.flow, found.access >= Access.WRITE
    return FlowDetail(
        id=flow.id,
        name=flow.name,
        description=flow.description,
        endpoint_name=flow.endpoint_name,
        tags=list(flow.tags),
        is_component=flow.is_component,
        access_type=AccessType.PUBLIC if flow.is_public else AccessType.PRIVATE,
        access=found.access.name.lower(),
        max_tokens=flow.max_tokens,
        user_id=flow.user_id,
        folder_id=folder_of(flow),
        icon=flow.icon,
        icon_bg_color=flow.icon_bg_color,
        locked=flow.locked,
        mcp_enabled=flow.mcp_enabled,
        # The hash of the whole definition: it would tell a guess at a secret from a miss.
        version_id=flow.version_id if may_write else None,
        created_at=flow.created_at,
        updated_at=flow.updated_at,
        data=definition if definition is None or may_write else redacted(definition),
    ).model_dump()
