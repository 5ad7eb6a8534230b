"""The whole service on one page."""

from starlette.routing import BaseRoute, Route

from web import flow_management as flows
from web.health import health, ready
from web.human_requests import human_request_events, human_requests, pending, pending_of_job
from web.workflows.events import job_events
from web.workflows.pause import pause_job
from web.workflows.resume import resume_job
from web.workflows.run import run_workflow
from web.workflows.status import job_by_id, jobs, workflow_status
from web.workflows.stop import stop_workflow

WORKFLOWS = "/api/v2/workflows"
HUMAN_REQUESTS = "/api/v2/human-requests"
FLOWS = "/api/v1/flows/"

ROUTES: list[BaseRoute] = [
    Route("/health", health, methods=["GET"]),
    Route("/ready", ready, methods=["GET"]),
    Route(WORKFLOWS, run_workflow, methods=["POST"]),
    Route(WORKFLOWS, workflow_status, methods=["GET"]),
    Route(f"{WORKFLOWS}/stop", stop_workflow, methods=["POST"]),
    Route(f"{WORKFLOWS}/jobs", jobs, methods=["GET"]),
    Route(f"{WORKFLOWS}/pending", pending, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}", job_by_id, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/events", job_events, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/pending", pending_of_job, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/pause", pause_job, methods=["POST"]),
    Route(f"{WORKFLOWS}/{{job_id}}/resume", resume_job, methods=["POST"]),
    Route(HUMAN_REQUESTS, human_requests, methods=["GET"]),
    Route(f"{HUMAN_REQUESTS}/events", human_request_events, methods=["GET"]),
    Route(FLOWS, flows.flows, methods=["GET"]),
    Route(FLOWS, flows.post_flow, methods=["POST"]),
    Route(f"{FLOWS}upload/", flows.upload_flow, methods=["POST"]),
    Route(f"{FLOWS}upload", flows.upload_flow, methods=["POST"]),
    Route(f"{FLOWS}{{flow_id}}", flows.get_flow, methods=["GET"]),
    Route(f"{FLOWS}{{flow_id}}", flows.patch_flow, methods=["PATCH"]),
    Route(f"{FLOWS}{{flow_id}}", flows.put_flow, methods=["PUT"]),
    Route(f"{FLOWS}{{flow_id}}", flows.remove_flow, methods=["DELETE"]),
]
