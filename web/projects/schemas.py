"""What the routes of projects take and give; Langflow's words for a project are `folder` and `project`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from web.flow_schemas import FlowBody, FlowDetail
from web.texts import CleanText, Name

MOST_AT_ONCE = 500
"""Flows that one request moves, stores or reads as an archive (I10); what the Langflow SDK takes of one."""
FlowIds = Annotated[list[UUID], Field(max_length=MOST_AT_ONCE)]


class ProjectBody(BaseModel):
    """`POST /api/v1/projects/`: a new project, and the flows and components of the caller's that go into it."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[Name, Field(min_length=1)]
    description: CleanText | None = None
    flows_list: FlowIds | None = None
    components_list: FlowIds | None = None


class ProjectPatch(BaseModel):
    """`PATCH /api/v1/projects/{project_id}`: what changes; absent fields stay, and so does a name of null."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[Name, Field(min_length=1)] | None = None
    description: CleanText | None = None


class ProjectDetail(BaseModel):
    """A project; `is_default`, `created_at` and `updated_at` are added to Langflow's."""

    id: str
    name: str
    description: str | None
    parent_id: None = None
    is_default: bool
    created_at: datetime
    updated_at: datetime


class ProjectWithFlows(ProjectDetail):
    """A project with the flows in it."""

    flows: list[FlowDetail]


class ProjectFile(BaseModel):
    """A whole project as it is uploaded: Langflow's own export, or what an archive of flows was read as."""

    model_config = ConfigDict(extra="ignore")

    folder_name: Annotated[Name, Field(min_length=1)] = "Imported Project"
    folder_description: CleanText | None = None
    flows: Annotated[list[FlowBody], Field(max_length=MOST_AT_ONCE)]
