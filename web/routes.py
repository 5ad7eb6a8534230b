"""The whole service on one page."""

from starlette.routing import BaseRoute, Route

from web import files
from web import flow_management as flows
from web.accounts import login as logins
from web.accounts import variables
from web.accounts.api_keys import api_keys, post_api_key, remove_api_key
from web.accounts.audit import audit_log
from web.agui.run import run_agent
from web.health import health, ready
from web.human_requests import human_request_events, human_requests, pending, pending_of_job
from web.knowledge_bases import knowledge_bases, remove_knowledge_base
from web.messages import messages, remove_messages, remove_session, sessions
from web.openapi.serving import docs_file, docs_page, openapi_document
from web.projects import routes as projects
from web.shares import put_share, remove_share, shares
from web.v1.run import run_v1
from web.workflows.events import job_events
from web.workflows.pause import pause_job
from web.workflows.public import run_public_workflow
from web.workflows.resume import resume_job
from web.workflows.run import run_workflow
from web.workflows.status import job_by_id, jobs, workflow_status
from web.workflows.stop import stop_workflow
from web.workflows.stream_token import post_stream_token

WORKFLOWS = "/api/v2/workflows"
AGUI = "/api/v2/agui"
HUMAN_REQUESTS = "/api/v2/human-requests"
FLOWS = "/api/v1/flows/"
PROJECTS = "/api/v1/projects/"
VARIABLES = "/api/v1/variables/"
FILES = "/api/v2/files"
API_KEYS = "/api/v1/api_key/"
AUDIT = "/api/v2/audit"
MESSAGES = "/api/v1/monitor/messages"
KNOWLEDGE = "/api/v1/knowledge_bases"

ROUTES: list[BaseRoute] = [
    Route("/health", health, methods=["GET"]),
    Route("/ready", ready, methods=["GET"]),
    Route("/openapi.json", openapi_document, methods=["GET"]),
    Route("/docs", docs_page, methods=["GET"]),
    Route("/docs/{file}", docs_file, methods=["GET"]),
    Route(WORKFLOWS, run_workflow, methods=["POST"]),
    Route(WORKFLOWS, workflow_status, methods=["GET"]),
    Route(f"{WORKFLOWS}/public", run_public_workflow, methods=["POST"]),
    Route(f"{WORKFLOWS}/stop", stop_workflow, methods=["POST"]),
    Route(f"{WORKFLOWS}/jobs", jobs, methods=["GET"]),
    Route(f"{WORKFLOWS}/pending", pending, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}", job_by_id, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/events", job_events, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/stream-token", post_stream_token, methods=["POST"]),
    Route(f"{WORKFLOWS}/{{job_id}}/pending", pending_of_job, methods=["GET"]),
    Route(f"{WORKFLOWS}/{{job_id}}/pause", pause_job, methods=["POST"]),
    Route(f"{WORKFLOWS}/{{job_id}}/resume", resume_job, methods=["POST"]),
    Route(f"{AGUI}/{{flow_id}}", run_agent, methods=["POST"]),
    Route(HUMAN_REQUESTS, human_requests, methods=["GET"]),
    Route(f"{HUMAN_REQUESTS}/events", human_request_events, methods=["GET"]),
    Route(AUDIT, audit_log, methods=["GET"]),
    Route(FLOWS, flows.flows, methods=["GET"]),
    Route(FLOWS, flows.post_flow, methods=["POST"]),
    Route(f"{FLOWS}upload/", flows.upload_flow, methods=["POST"]),
    Route(f"{FLOWS}upload", flows.upload_flow, methods=["POST"]),
    Route(f"{FLOWS}{{flow_id}}", flows.get_flow, methods=["GET"]),
    Route(f"{FLOWS}{{flow_id}}", flows.patch_flow, methods=["PATCH"]),
    Route(f"{FLOWS}{{flow_id}}", flows.put_flow, methods=["PUT"]),
    Route(f"{FLOWS}{{flow_id}}", flows.remove_flow, methods=["DELETE"]),
    Route(f"{FLOWS}{{flow_id}}/shares", shares, methods=["GET"]),
    Route(f"{FLOWS}{{flow_id}}/shares", put_share, methods=["POST"]),
    Route(f"{FLOWS}{{flow_id}}/shares/{{share_id}}", remove_share, methods=["DELETE"]),
    Route(PROJECTS, projects.projects, methods=["GET"]),
    Route(PROJECTS, projects.post_project, methods=["POST"]),
    Route(f"{PROJECTS}upload/", projects.upload_project, methods=["POST"]),
    Route(f"{PROJECTS}download/{{project_id}}", projects.download_project, methods=["GET"]),
    Route(f"{PROJECTS}{{project_id}}", projects.get_project, methods=["GET"]),
    Route(f"{PROJECTS}{{project_id}}", projects.patch_project, methods=["PATCH"]),
    Route(f"{PROJECTS}{{project_id}}", projects.remove_project, methods=["DELETE"]),
    Route("/api/v1/run/{id_or_endpoint}", run_v1, methods=["POST"]),
    Route("/api/v1/login", logins.login, methods=["POST"]),
    Route("/api/v1/logout", logins.logout, methods=["POST"]),
    Route("/api/v1/session", logins.session, methods=["GET"]),
    Route("/api/v1/users/whoami", logins.whoami, methods=["GET"]),
    Route(API_KEYS, api_keys, methods=["GET"]),
    Route(API_KEYS, post_api_key, methods=["POST"]),
    Route(f"{API_KEYS}{{api_key_id}}", remove_api_key, methods=["DELETE"]),
    Route(VARIABLES, variables.variables, methods=["GET"]),
    Route(VARIABLES, variables.post_variable, methods=["POST"]),
    Route(f"{VARIABLES}{{variable_id}}", variables.patch_variable, methods=["PATCH"]),
    Route(f"{VARIABLES}{{variable_id}}", variables.remove_variable, methods=["DELETE"]),
    Route(FILES, files.files, methods=["GET"]),
    Route(FILES, files.post_file, methods=["POST"]),
    Route(f"{FILES}/{{file_id}}", files.get_file, methods=["GET"]),
    Route(f"{FILES}/{{file_id}}", files.remove_file, methods=["DELETE"]),
    Route("/api/v1/files/upload/{flow_id}", files.post_flow_file, methods=["POST"]),
    Route(MESSAGES, messages, methods=["GET"]),
    Route(MESSAGES, remove_messages, methods=["DELETE"]),
    Route(f"{MESSAGES}/sessions", sessions, methods=["GET"]),
    Route(f"{MESSAGES}/session/{{session_id:path}}", remove_session, methods=["DELETE"]),
    Route(KNOWLEDGE, knowledge_bases, methods=["GET"]),
    Route(f"{KNOWLEDGE}/{{name:path}}", remove_knowledge_base, methods=["DELETE"]),
]
