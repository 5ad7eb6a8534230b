"""What is told of the routes that the Langflow SDK calls beside those of flows: its run, and projects."""

from collections.abc import Mapping

from web.flow_schemas import FlowDetail
from web.openapi.operation import Admits, Answer, Endpoint, Operation, Tag
from web.openapi.operations.workflows import OF_A_RUN
from web.openapi.streams import JOB_ID
from web.projects.routes import (
    download_project,
    get_project,
    patch_project,
    post_project,
    projects,
    remove_project,
    upload_project,
)
from web.projects.schemas import ProjectBody, ProjectDetail, ProjectFile, ProjectPatch, ProjectWithFlows
from web.v1.run import run_v1
from web.v1.schemas import V1RunBody, V1RunQuery, V1RunResponse

OF_A_PROJECT = ("PROJECT_NOT_FOUND",)

SDK: Mapping[Endpoint, Operation] = {
    run_v1: Operation(
        Tag.RUNS,
        body=V1RunBody,
        query=V1RunQuery,
        is_body_optional=True,
        answers={
            200: Answer(
                "The results; with `stream` lines of JSON, `{event, data}` each.",
                model=V1RunResponse,
                media_type="text/event-stream",
                headers=JOB_ID,
            )
        },
        refuses={
            **OF_A_RUN,
            400: ("INVALID_FLOW_DATA", "HUMAN_INPUT_REQUIRED"),
            403: ("FLOW_EXECUTE_FORBIDDEN",),
            404: ("FLOW_NOT_FOUND", "JOB_NOT_FOUND"),
            408: ("EXECUTION_TIMEOUT",),
            409: ("JOB_CANCELLED",),
            422: (*OF_A_RUN[422], "INPUT_TYPE_REFUSED", "UNKNOWN_OUTPUT_IDS", "RESERVED_NAME"),
            500: ("EXECUTION_ERROR",),
        },
        tells=(400,),
    ),
    projects: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The projects.", list[ProjectDetail])},
    ),
    post_project: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        body=ProjectBody,
        answers={201: Answer("The project is there.", ProjectDetail)},
        refuses={403: ("FLOW_OWNER_REQUIRED",), 404: ("FLOW_NOT_FOUND",), 422: ("TOO_MANY_PROJECTS",)},
    ),
    upload_project: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        body=ProjectFile,
        is_upload=True,
        answers={201: Answer("The flows of the new project.", list[FlowDetail])},
        refuses={
            400: ("INVALID_FLOW_DATA", "MISSING_PARAMETER", "NO_FLOWS", "INVALID_ARCHIVE"),
            409: ("NAME_TAKEN",),
            413: ("ARCHIVE_TOO_LARGE",),
            422: ("TOO_MANY_FLOWS", "TOO_MANY_PROJECTS", "ARCHIVE_TOO_LARGE"),
        },
    ),
    download_project: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The archive.", media_type="application/zip")},
        refuses={404: OF_A_PROJECT},
    ),
    get_project: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        answers={200: Answer("The project.", ProjectWithFlows)},
        refuses={404: OF_A_PROJECT},
    ),
    patch_project: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        body=ProjectPatch,
        answers={200: Answer("The project as it is now.", ProjectDetail)},
        refuses={404: OF_A_PROJECT},
    ),
    remove_project: Operation(
        Tag.PROJECTS,
        admits=Admits.ACCOUNTS,
        answers={204: Answer("The project and the flows in it are deleted.")},
        refuses={404: OF_A_PROJECT, 409: ("PROJECT_HAS_LIVE_JOBS",)},
    ),
}
