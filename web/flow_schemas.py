"""A flow as it is sent: whole, as an export, or what changes of it."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from web.texts import CleanText, Name

MaxTokens = Annotated[int, Field(ge=1, le=10**12)]
"""What the model calls of one run may cost before somebody is asked. Added to the contract."""
EndpointName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class AccessType(StrEnum):
    """Whether anybody may run a flow (contract 6.2)."""

    PRIVATE = "PRIVATE"
    PUBLIC = "PUBLIC"


class FlowBody(BaseModel):
    """A flow as it is sent, the exported file being one; what else the export holds is ignored."""

    model_config = ConfigDict(extra="ignore")

    id: UUID | None = None
    name: Annotated[Name, Field(min_length=1)]
    description: CleanText | None = None
    data: dict[str, Any]
    endpoint_name: EndpointName | None = None
    tags: list[CleanText] | None = None
    is_component: bool | None = None
    access_type: AccessType | None = None
    max_tokens: MaxTokens | None = None


class FlowPatch(BaseModel):
    """The fields of a flow that change; absent ones stay."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[Name, Field(min_length=1)] | None = None
    description: CleanText | None = None
    data: dict[str, Any] | None = None
    endpoint_name: EndpointName | None = None
    tags: list[CleanText] | None = None
    access_type: AccessType | None = None
    max_tokens: MaxTokens | None = None


class FlowPath(BaseModel):
    """The id under which a flow is put."""

    id: UUID
