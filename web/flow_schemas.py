"""A flow as it is sent: whole, as an export, or what changes of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from web.texts import CleanText, Name, without_nul

LARGEST_PAGE = 5_000
"""As many flows as somebody may have. Said here: whoever only knows the shapes of answers needs no database."""
MaxTokens = Annotated[int, Field(ge=1, le=10**12)]
"""What the model calls of one run may cost before somebody is asked. Added to the contract."""
Look = Annotated[str, Field(max_length=2_048), AfterValidator(without_nul)]
"""An icon or a colour that an editor shows a flow with."""
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
    folder_id: UUID | None = None
    icon: Look | None = None
    icon_bg_color: Look | None = None
    locked: bool | None = None
    mcp_enabled: bool | None = None


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
    folder_id: UUID | None = None
    icon: Look | None = None
    icon_bg_color: Look | None = None
    locked: bool | None = None
    mcp_enabled: bool | None = None


class FlowDetail(BaseModel):
    """A flow as it is answered. `data` is null in lists that ask for headers only; without its secrets, and with
    `version_id` null, for whoever may not change the flow."""

    id: str
    name: str
    description: str | None
    endpoint_name: str | None
    tags: list[str]
    is_component: bool
    access_type: AccessType
    access: Literal["read", "execute", "write", "own"]
    max_tokens: int | None
    user_id: str
    folder_id: str
    icon: str | None
    icon_bg_color: str | None
    locked: bool
    mcp_enabled: bool
    webhook: Literal[False] = False
    version_id: str | None
    created_at: datetime
    updated_at: datetime
    data: dict[str, Any] | None


class FlowPath(BaseModel):
    """The id under which a flow is put."""

    id: UUID


class FlowsQuery(BaseModel):
    """`GET /api/v1/flows/`. All flows, unless a page or its size is asked for and `get_all` is not; there are no
    example flows to be left out."""

    model_config = ConfigDict(extra="ignore")

    folder_id: UUID | None = None
    remove_example_flows: bool = False
    components_only: bool = False
    get_all: bool = False
    header_flows: bool = False
    page: int | None = Field(None, ge=1)
    size: int | None = Field(None, ge=1, le=LARGEST_PAGE)

    @property
    def part(self) -> slice:
        """Which of the flows are asked for."""
        if self.get_all or (self.page is None and self.size is None):
            return slice(None)
        size = self.size or 50
        start = ((self.page or 1) - 1) * size
        return slice(start, start + size)
