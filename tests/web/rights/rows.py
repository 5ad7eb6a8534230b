"""Every route: how it is called on something that belongs to the owner, and what everybody gets from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

from storage.levels import Access
from tests.making import echo_flow
from tests.reading import FLOWS, WORKFLOWS
from tests.web.rights.principals import SHARED, UNKNOWN, Principal
from tests.web.rights.world import World

Statuses: TypeAlias = Mapping[Principal, int]
INBOX = "/api/v2/human-requests"
API_KEYS = "/api/v1/api_key/"
PROJECTS = "/api/v1/projects/"
VARIABLES = "/api/v1/variables/"
FILES = "/api/v2/files"
AUDIT = "/api/v2/audit"
MESSAGES = "/api/v1/monitor/messages"
KNOWLEDGE = "/api/v1/knowledge_bases"
NO_CREDENTIALS = dict.fromkeys(UNKNOWN, 403)
ACCESS = {
    **dict.fromkeys((Principal.OTHER,), Access.NONE),
    **{principal: Access.of(level) for principal, level in SHARED.items()},
    **dict.fromkeys((Principal.OWNER, Principal.END_USER, Principal.SUPERUSER), Access.OWN),
}


@dataclass(frozen=True)
class Call:
    """One request, except for who sends it."""

    url: str
    body: Mapping[str, Any]

    @classmethod
    def to(cls, url: str, **json: Any) -> "Call":
        return cls(url, {"json": json} if json else {})


@dataclass(frozen=True)
class Row:
    """One route: a call of it, and the status that each principal gets. A `stream` is not read."""

    call: Callable[[World], Call]
    statuses: Statuses
    is_stream: bool = False


def everybody(status: int = 200) -> Statuses:
    return dict.fromkeys(Principal, status)


def every_user(status: int = 200) -> Statuses:
    """Whoever has an account, for what is their own by itself."""
    return {**everybody(status), **NO_CREDENTIALS}


def whoever_may(needed: Access, status: int = 200) -> Statuses:
    """By what one may do with the flow: missing for those who may not see it, forbidden for those who may not use it
    so."""
    found = {
        principal: status if access >= needed else 403 if access >= Access.READ else 404
        for principal, access in ACCESS.items()
    }
    return {**NO_CREDENTIALS, **found}


def whose_job(status: int = 200) -> Statuses:
    """The owner of the job, not the people for whom their service calls, and a superuser."""
    return {**NO_CREDENTIALS, **dict.fromkeys(ACCESS, 404), Principal.OWNER: status, Principal.SUPERUSER: status}


def whose_thing(status: int = 200) -> Statuses:
    """Nobody but the owner: not even a superuser has a use for what belongs to somebody else."""
    return {**NO_CREDENTIALS, **dict.fromkeys(ACCESS, 404), Principal.OWNER: status}


def not_end_users(statuses: Statuses) -> Statuses:
    """The same, but for the people for whom a service calls: it is not for them what its account has."""
    return {**statuses, Principal.END_USER: 403}


def visitors() -> Statuses:
    """Whoever shows a key that counts, or the cookie."""
    return {**everybody(), Principal.ANONYMOUS: 400, Principal.BAD_KEY: 400}


ROWS: Mapping[tuple[str, str], Row] = {
    ("GET", "/health"): Row(lambda world: Call.to("/health"), everybody()),
    ("GET", "/ready"): Row(lambda world: Call.to("/ready"), everybody()),
    ("GET", "/openapi.json"): Row(lambda world: Call.to("/openapi.json"), everybody()),
    ("GET", "/docs"): Row(lambda world: Call.to("/docs"), everybody()),
    ("GET", "/docs/{file}"): Row(lambda world: Call.to("/docs/start.js"), everybody()),
    ("POST", WORKFLOWS): Row(
        lambda world: Call.to(WORKFLOWS, flow_id=world.flow_id, input_value="x"), whoever_may(Access.EXECUTE)
    ),
    ("GET", WORKFLOWS): Row(lambda world: Call.to(f"{WORKFLOWS}?job_id={world.job_id}"), whose_job()),
    ("POST", f"{WORKFLOWS}/public"): Row(
        lambda world: Call.to(f"{WORKFLOWS}/public", flow_id=world.flow_id, input_value="x"), visitors()
    ),
    ("POST", f"{WORKFLOWS}/stop"): Row(lambda world: Call.to(f"{WORKFLOWS}/stop", job_id=world.job_id), whose_job()),
    ("GET", f"{WORKFLOWS}/jobs"): Row(lambda world: Call.to(f"{WORKFLOWS}/jobs"), every_user()),
    ("GET", f"{WORKFLOWS}/pending"): Row(
        lambda world: Call.to(f"{WORKFLOWS}/pending?flow_id={world.asking['flow_id']}"), every_user()
    ),
    ("GET", f"{WORKFLOWS}/{{job_id}}"): Row(lambda world: Call.to(f"{WORKFLOWS}/{world.job_id}"), whose_job()),
    ("GET", f"{WORKFLOWS}/{{job_id}}/events"): Row(
        lambda world: Call.to(f"{WORKFLOWS}/{world.job_id}/events"), whose_job()
    ),
    ("POST", f"{WORKFLOWS}/{{job_id}}/stream-token"): Row(
        lambda world: Call.to(f"{WORKFLOWS}/{world.job_id}/stream-token"), whose_job()
    ),
    ("GET", f"{WORKFLOWS}/{{job_id}}/pending"): Row(
        lambda world: Call.to(f"{WORKFLOWS}/{world.asking['job_id']}/pending"), whose_job()
    ),
    ("POST", f"{WORKFLOWS}/{{job_id}}/pause"): Row(
        lambda world: Call.to(f"{WORKFLOWS}/{world.asking['job_id']}/pause"), whose_job()
    ),
    ("POST", f"{WORKFLOWS}/{{job_id}}/resume"): Row(
        lambda world: Call.to(
            f"{WORKFLOWS}/{world.asking['job_id']}/resume",
            request_id=world.asking["request_id"],
            decision={"action_id": "approve"},
        ),
        whose_job(),
    ),
    ("GET", INBOX): Row(lambda world: Call.to(INBOX), every_user()),
    ("GET", f"{INBOX}/events"): Row(lambda world: Call.to(f"{INBOX}/events"), every_user(), is_stream=True),
    ("GET", AUDIT): Row(lambda world: Call.to(AUDIT), not_end_users(every_user())),
    ("GET", FLOWS): Row(lambda world: Call.to(FLOWS), every_user()),
    ("POST", FLOWS): Row(lambda world: Call.to(FLOWS, name="new", data=echo_flow()), not_end_users(every_user(201))),
    ("POST", f"{FLOWS}upload/"): Row(
        lambda world: Call.to(f"{FLOWS}upload/", name="new", data=echo_flow()), not_end_users(every_user(201))
    ),
    ("POST", f"{FLOWS}upload"): Row(
        lambda world: Call.to(f"{FLOWS}upload", name="new", data=echo_flow()), not_end_users(every_user(201))
    ),
    ("GET", f"{FLOWS}{{flow_id}}"): Row(lambda world: Call.to(f"{FLOWS}{world.flow_id}"), whoever_may(Access.READ)),
    ("PATCH", f"{FLOWS}{{flow_id}}"): Row(
        lambda world: Call.to(f"{FLOWS}{world.flow_id}", name="changed"), not_end_users(whoever_may(Access.WRITE))
    ),
    ("PUT", f"{FLOWS}{{flow_id}}"): Row(
        lambda world: Call.to(f"{FLOWS}{world.flow_id}", name="changed", data=echo_flow()),
        not_end_users(whoever_may(Access.WRITE)),
    ),
    ("DELETE", f"{FLOWS}{{flow_id}}"): Row(
        lambda world: Call.to(f"{FLOWS}{world.flow_id}"), not_end_users(whoever_may(Access.OWN, 204))
    ),
    ("GET", f"{FLOWS}{{flow_id}}/shares"): Row(
        lambda world: Call.to(f"{FLOWS}{world.flow_id}/shares"), not_end_users(whoever_may(Access.OWN))
    ),
    ("POST", f"{FLOWS}{{flow_id}}/shares"): Row(
        lambda world: Call.to(f"{FLOWS}{world.flow_id}/shares", user="other", level="write"),
        not_end_users(whoever_may(Access.OWN, 201)),
    ),
    ("DELETE", f"{FLOWS}{{flow_id}}/shares/{{share_id}}"): Row(
        lambda world: Call.to(f"{FLOWS}{world.flow_id}/shares/{world.share_id}"),
        not_end_users(whoever_may(Access.OWN, 204)),
    ),
    ("GET", PROJECTS): Row(lambda world: Call.to(PROJECTS), not_end_users(every_user())),
    ("POST", PROJECTS): Row(lambda world: Call.to(PROJECTS, name="new"), not_end_users(every_user(201))),
    ("POST", f"{PROJECTS}upload/"): Row(
        lambda world: Call.to(f"{PROJECTS}upload/", flows=[{"name": "new", "data": echo_flow()}]),
        not_end_users(every_user(201)),
    ),
    ("GET", f"{PROJECTS}download/{{project_id}}"): Row(
        lambda world: Call.to(f"{PROJECTS}download/{world.project_id}"), not_end_users(whose_thing())
    ),
    ("GET", f"{PROJECTS}{{project_id}}"): Row(
        lambda world: Call.to(f"{PROJECTS}{world.project_id}"), not_end_users(whose_thing())
    ),
    ("PATCH", f"{PROJECTS}{{project_id}}"): Row(
        lambda world: Call.to(f"{PROJECTS}{world.project_id}", name="changed"), not_end_users(whose_thing())
    ),
    ("DELETE", f"{PROJECTS}{{project_id}}"): Row(
        lambda world: Call.to(f"{PROJECTS}{world.project_id}"), not_end_users(whose_thing(204))
    ),
    ("POST", "/api/v2/agui/{flow_id}"): Row(
        lambda world: Call.to(f"/api/v2/agui/{world.flow_id}", threadId="t", runId=str(uuid4()), messages=[]),
        whoever_may(Access.EXECUTE),
        is_stream=True,
    ),
    ("POST", "/api/v1/run/{id_or_endpoint}"): Row(
        lambda world: Call.to(f"/api/v1/run/{world.flow_id}", input_value="x"), whoever_may(Access.EXECUTE)
    ),
    ("POST", "/api/v1/login"): Row(
        lambda world: Call.to("/api/v1/login", username="nobody", password="wrong"), everybody(401)
    ),
    ("POST", "/api/v1/logout"): Row(lambda world: Call.to("/api/v1/logout"), every_user()),
    ("GET", "/api/v1/session"): Row(lambda world: Call.to("/api/v1/session"), every_user()),
    ("GET", "/api/v1/users/whoami"): Row(lambda world: Call.to("/api/v1/users/whoami"), every_user()),
    ("GET", API_KEYS): Row(lambda world: Call.to(API_KEYS), not_end_users(every_user())),
    ("POST", API_KEYS): Row(lambda world: Call.to(API_KEYS, name="new"), not_end_users(every_user(200))),
    ("DELETE", f"{API_KEYS}{{api_key_id}}"): Row(
        lambda world: Call.to(f"{API_KEYS}{world.key_id}"), not_end_users(whose_thing())
    ),
    ("GET", VARIABLES): Row(lambda world: Call.to(VARIABLES), not_end_users(every_user())),
    ("POST", VARIABLES): Row(
        lambda world: Call.to(VARIABLES, name=str(uuid4()), value="v"), not_end_users(every_user(201))
    ),
    ("PATCH", f"{VARIABLES}{{variable_id}}"): Row(
        lambda world: Call.to(f"{VARIABLES}{world.variable_id}", value="v"), not_end_users(whose_thing())
    ),
    ("DELETE", f"{VARIABLES}{{variable_id}}"): Row(
        lambda world: Call.to(f"{VARIABLES}{world.variable_id}"), not_end_users(whose_thing(204))
    ),
    ("GET", FILES): Row(lambda world: Call.to(FILES), every_user()),
    # Whoever may upload is told that there is no file.
    ("POST", FILES): Row(lambda world: Call.to(FILES), every_user(400)),
    ("POST", "/api/v1/files/upload/{flow_id}"): Row(
        lambda world: Call.to(f"/api/v1/files/upload/{world.flow_id}"), not_end_users(whoever_may(Access.WRITE, 400))
    ),
    ("GET", f"{FILES}/{{file_id}}"): Row(lambda world: Call.to(f"{FILES}/{world.file_id}"), whose_thing()),
    ("DELETE", f"{FILES}/{{file_id}}"): Row(lambda world: Call.to(f"{FILES}/{world.file_id}"), whose_thing(204)),
    # Whose messages they are, `test_messages.py` tells: neither a list nor a deletion is ever refused.
    ("GET", MESSAGES): Row(lambda world: Call.to(f"{MESSAGES}?flow_id={world.flow_id}"), every_user()),
    ("DELETE", MESSAGES): Row(lambda world: Call(MESSAGES, {"json": [world.job_id]}), every_user(204)),
    ("GET", f"{MESSAGES}/sessions"): Row(lambda world: Call.to(f"{MESSAGES}/sessions"), every_user()),
    ("GET", KNOWLEDGE): Row(lambda world: Call.to(KNOWLEDGE), not_end_users(every_user())),
    ("DELETE", f"{KNOWLEDGE}/{{name:path}}"): Row(
        lambda world: Call.to(f"{KNOWLEDGE}/{world.knowledge_base}"), not_end_users(whose_thing(204))
    ),
    ("DELETE", f"{MESSAGES}/session/{{session_id:path}}"): Row(
        lambda world: Call.to(f"{MESSAGES}/session/{world.flow_id}"), every_user(204)
    ),
}
