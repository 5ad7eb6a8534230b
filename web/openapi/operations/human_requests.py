"""What is told of the routes that list human requests."""

from collections.abc import Mapping

from web.human_requests import (
    InboxFrame,
    human_request_events,
    human_requests,
    pending,
    pending_of_job,
)
from web.openapi.operation import Answer, Endpoint, Operation, Tag
from web.openapi.operations.workflows import OF_A_JOB, OF_AN_EVENT_STREAM
from web.workflows.schemas import FlowQuery, HumanRequestDetail, HumanRequestList, InboxQuery, PendingRequest

HUMAN_REQUESTS: Mapping[Endpoint, Operation] = {
    pending: Operation(
        Tag.HUMAN_REQUESTS,
        query=FlowQuery,
        answers={200: Answer("The open requests of the flow's suspended jobs.", list[PendingRequest])},
    ),
    pending_of_job: Operation(
        Tag.HUMAN_REQUESTS,
        answers={200: Answer("The open requests of the job.", list[HumanRequestDetail])},
        refuses={404: OF_A_JOB},
    ),
    human_requests: Operation(
        Tag.HUMAN_REQUESTS,
        query=InboxQuery,
        answers={200: Answer("A page of open requests.", HumanRequestList)},
    ),
    human_request_events: Operation(
        Tag.HUMAN_REQUESTS,
        answers={200: Answer("What opens and closes, without an end.", events=InboxFrame)},
        refuses=OF_AN_EVENT_STREAM,
    ),
}
