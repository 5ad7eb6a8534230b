"""What is told of the routes under /api/v2/workflows."""

from collections.abc import Mapping

from web.agui.run import run_agent
from web.agui.run_input import AgentBody, AgentQuery
from web.openapi.operation import Admits, Answer, Endpoint, Operation, Tag
from web.openapi.streams import ANY_EVENT, EVENTS, JOB_ID, run_events
from web.workflows.events import job_events
from web.workflows.pause import PauseResponse, pause_job
from web.workflows.public import PublicRunBody, run_public_workflow
from web.workflows.resume import ResumeResponse, resume_job
from web.workflows.run import run_workflow
from web.workflows.schemas import (
    EventsQuery,
    ExecutionResponse,
    JobDetail,
    JobList,
    JobResponse,
    ListQuery,
    ResumeBody,
    RunBody,
    StatusQuery,
    StopBody,
    SuspendedResponse,
)
from web.workflows.status import job_by_id, jobs, workflow_status
from web.workflows.stop import StopResponse, stop_workflow
from web.workflows.stream_token import StreamTokenDetail, post_stream_token

OF_A_JOB = ("JOB_NOT_FOUND",)
OF_AN_EVENT_STREAM = {429: ("TOO_MANY_STREAMS",), 503: ("SERVICE_BUSY",)}
OF_A_RUN = {
    400: ("INVALID_FLOW_DATA",),
    422: ("INVALID_REQUEST_OVERRIDES", "TWEAKS_REFUSED", "UNKNOWN_STREAM_PROTOCOL", "FILE_NOT_FOUND"),
    429: ("SERVICE_BUSY", "TOO_MANY_STREAMS"),
    503: ("SERVICE_BUSY",),
}

WORKFLOWS: Mapping[Endpoint, Operation] = {
    run_agent: Operation(
        Tag.RUNS,
        body=AgentBody,
        query=AgentQuery,
        answers={200: Answer("The events of the run.", events=EVENTS["agui-interrupt"], headers=JOB_ID)},
        refuses={
            **OF_A_RUN,
            403: ("FLOW_EXECUTE_FORBIDDEN", "NOT_AN_ANSWERER"),
            404: ("FLOW_NOT_FOUND", "INTERRUPT_NOT_FOUND", *OF_A_JOB),
            409: ("DUPLICATE_REQUEST", "NOT_RESUMABLE"),
            422: (*OF_A_RUN[422], "INVALID_DECISION", "RESERVED_NAME"),
            503: ("SERVICE_BUSY", "REQUEST_OVERRIDES_UNAVAILABLE"),
        },
        tells=(400,),
    ),
    run_workflow: Operation(
        Tag.RUNS,
        body=RunBody,
        answers={
            200: Answer(
                "Mode `sync`: the result, also of a run that failed or waits for a person. Mode `background`: the job. "
                "Mode `stream`: the events.",
                model=ExecutionResponse | JobResponse,
                events=ANY_EVENT,
                headers=JOB_ID,
            )
        },
        refuses={
            **OF_A_RUN,
            403: ("FLOW_EXECUTE_FORBIDDEN",),
            404: ("FLOW_NOT_FOUND", *OF_A_JOB),
            408: ("EXECUTION_TIMEOUT",),
            409: ("DUPLICATE_REQUEST",),
            422: (
                *OF_A_RUN[422],
                "SYNC_MODE_UNSUPPORTED_FIELDS",
                "MODE_UNSUPPORTED_FIELDS",
                "UNKNOWN_OUTPUT_IDS",
                "RESERVED_NAME",
            ),
        },
        tells=(400,),
    ),
    workflow_status: Operation(
        Tag.RUNS,
        query=StatusQuery,
        answers={
            200: Answer(
                "A job that is under way, waits, was stopped, or is completed: then with its result.",
                model=ExecutionResponse | SuspendedResponse | JobResponse,
            )
        },
        refuses={
            400: ("MISSING_PARAMETER",),
            403: ("FLOW_EXECUTE_FORBIDDEN",),
            404: OF_A_JOB,
            408: ("EXECUTION_TIMEOUT",),
            500: ("JOB_FAILED",),
        },
    ),
    run_public_workflow: Operation(
        Tag.RUNS,
        admits=Admits.VISITORS,
        body=PublicRunBody,
        answers={200: run_events("The events of the run, as far as visitors may see them.", {})},
        refuses={**OF_A_RUN, 400: (), 429: (*OF_A_RUN[429], "RATE_LIMITED")},
        tells=(400, 404),
    ),
    stop_workflow: Operation(
        Tag.RUNS,
        body=StopBody,
        answers={200: Answer("The job is stopped, or was over already.", StopResponse)},
        refuses={404: OF_A_JOB},
    ),
    jobs: Operation(
        Tag.RUNS,
        query=ListQuery,
        answers={200: Answer("A page of the caller's jobs.", JobList)},
    ),
    job_by_id: Operation(
        Tag.RUNS,
        answers={200: Answer("The job, with its result when it is over.", JobDetail)},
        refuses={404: OF_A_JOB},
    ),
    job_events: Operation(
        Tag.RUNS,
        admits=Admits.FOLLOWERS,
        query=EventsQuery,
        headers={"Last-Event-ID": "The `id` of the last event that the client has; all events follow without it."},
        answers={
            200: run_events("The events behind that one, live to the end of the job."),
            204: Answer("The client has them all, and nothing more will come."),
        },
        refuses={404: OF_A_JOB, 422: ("UNKNOWN_STREAM_PROTOCOL",), **OF_AN_EVENT_STREAM},
    ),
    post_stream_token: Operation(
        Tag.RUNS,
        answers={200: Answer("The token, and where to use it.", StreamTokenDetail)},
        refuses={404: OF_A_JOB},
    ),
    pause_job: Operation(
        Tag.RUNS,
        answers={200: Answer("The job stands still, or will.", PauseResponse)},
        refuses={404: OF_A_JOB, 409: ("NOT_PAUSABLE",)},
    ),
    resume_job: Operation(
        Tag.RUNS,
        body=ResumeBody,
        answers={200: Answer("The decision counts, and the job goes on.", ResumeResponse)},
        refuses={
            403: ("FLOW_EXECUTE_FORBIDDEN", "NOT_AN_ANSWERER"),
            404: OF_A_JOB,
            409: ("NOT_RESUMABLE",),
            422: ("INVALID_DECISION",),
            503: ("REQUEST_OVERRIDES_UNAVAILABLE",),
        },
    ),
}
