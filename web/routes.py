"""The whole service on one page."""

from starlette.routing import BaseRoute, Route

from web import flow_management as flows
from web.health import health, ready
from web.workflows.events import job_events
from web.workflows.run import run_workflow
from web.workflows.status import job_by_id, jobs, workflow_status
from web.workflows.stop import stop_workflow

WORKFLOWS = "/api/v2/workflows"
FLOWS = "/api/v1/flows/"

ROUTES: list[BaseRoute] = [
    Route("/health", health, methods=["GET"]),
    Route("/ready", ready, methods=["GET"]),
    Route(WORKFLOWS, run_workflow, methods=["POST"]),
    Route(WORKFLOWS, workflow_status, methods=["GET"]),
    Route(f"{WORKFLOWS}/stop", stop_workflow, methods=["POST"]),
    Route(f"{WORKFLOWS}/jobs", jobs, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}", job_by_id, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/events", job_events, methods=["GET"]),
    Route(FLOWS, flows.flows, methods=["GET"]),
    Route(FLOWS, flows.post_flow, methods=["POST"]),
    Route(f"{FLOWS}upload/", flows.upload_flow, methods=["POST"]),
    Route(f"{FLOWS}upload", flows.upload_flow, methods=["POST"]),
    Route(f"{FLOWS}{{flow_id}}", flows.get_flow, methods=["GET"]),
    Route(f"{FLOWS}{{flow_id}}", flows.patch_flow, methods=["PATCH"]),
    Route(f"{FLOWS}{{flow_id}}", flows.put_flow, methods=["PUT"]),
    Route(f"{FLOWS}{{flow_id}}", flows.remove_flow, methods=["DELETE"]),
]
