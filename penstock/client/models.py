"""What a server answers with: the models that its routes answer by, and those of answers that have none there."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from flows.human import Decision
from storage.states import Mode, Status
from web.flow_schemas import FlowDetail
from web.workflows.schemas import (
    ExecutionResponse,
    HumanRequestDetail,
    HumanRequestList,
    JobDetail,
    JobList,
    JobResponse,
)

__all__ = [
    "AskedOfFlow",
    "Decision",
    "ExecutionResponse",
    "FlowDetail",
    "HumanRequestDetail",
    "HumanRequestList",
    "JobDetail",
    "JobList",
    "JobResponse",
    "Mode",
    "Said",
    "Status",
]


class Said(BaseModel):
    """What came of an order on a job."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    message: str


class AskedOfFlow(BaseModel):
    """An open human request in the list of a flow."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    flow_id: str
    session_id: str
    created_at: datetime
    request_id: str
    kind: str
    prompt: str
    options: list[dict[str, Any]]
    allowed_decisions: list[str]
