"""What a server answers with: the models that its routes answer by, and those of answers that have none there."""

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
    PendingRequest,
)

__all__ = [
    "Decision",
    "ExecutionResponse",
    "FlowDetail",
    "HumanRequestDetail",
    "HumanRequestList",
    "JobDetail",
    "JobList",
    "JobResponse",
    "Mode",
    "PendingRequest",
    "Said",
    "Status",
]


class Said(BaseModel):
    """What came of an order on a job."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    message: str
