"""POST /api/v2/agui/{flow_id}: one run of a flow, as AG-UI 1.0 has it. Added to the contract."""

from contextlib import ExitStack
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from web.access import canonical, load_flow, load_job_rights
from web.agui.answering import answer_interrupts
from web.agui.run_input import AgentBody, AgentQuery
from web.bodies import read_model, validated_query
from web.callers.caller import Caller
from web.errors import flow_not_found
from web.protocols import PROTOCOLS
from web.protocols.place import BEGINNING, Place
from web.protocols.projection import View
from web.services import Services, admit
from web.streams.sse import event_stream
from web.workflows.accepting import Asked, accept
from web.workflows.waiting import followed

PROTOCOL = "agui-interrupt"


@dataclass(frozen=True)
class Agent:
    """A flow as somebody calls it."""

    services: Services
    caller: Caller
    flow_id: str
    exposes_graph: bool


@dataclass(frozen=True)
class Run:
    """What is streamed: a job from some place on, and for whom."""

    job_id: str
    place: Place
    exposes_graph: bool
    end_user: str | None


async def run_agent(request: Request) -> Response:
    """Runs a flow on what the user says, or goes on with a run that was interrupted, and streams it in the protocol
    `agui-interrupt`. The run is a background job: it goes on when the client leaves, the same `runId` finds it again,
    and it takes the place of one in its thread that waits for answers."""
    services, caller = await admit(request)
    query = validated_query(request, AgentQuery)
    agent = Agent(services, caller, request.path_params["flow_id"], query.expose_graph_state)
    body = await read_model(request, AgentBody, services.limits.max_body_bytes)
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat(caller.user_id))
        run = await run_in_threadpool(_go_on if body.resume else _begin, agent, body)
        view = View(run.exposes_graph, run.job_id, body.thread_id, body.run_id)
        batches = followed(request, services, run.job_id, run.end_user, exposes_graph=run.exposes_graph)
        projection = PROTOCOLS[PROTOCOL](view, run.place)
        return event_stream(batches, projection, {"X-Job-Id": run.job_id}, holding.pop_all())


def _begin(agent: Agent, body: AgentBody) -> Run:
    """A run on what the user says last."""
    if not (flow_id := canonical(agent.flow_id)):
        raise flow_not_found(agent.flow_id)
    accepted = accept(agent.services, agent.caller, Asked(body.as_run(flow_id, PROTOCOL, agent.exposes_graph), {}))
    return Run(accepted.submitted.job_id, BEGINNING, accepted.exposes_graph, accepted.end_user)


def _go_on(agent: Agent, body: AgentBody) -> Run:
    """A run that begins with the answers to what interrupted the last one."""
    load_flow(agent.services, agent.caller, agent.flow_id)
    resumed = answer_interrupts(agent.services, agent.caller, body.resume or (), agent.flow_id, body.thread_id)
    found = load_job_rights(agent.services, agent.caller, resumed.job.id)
    return Run(found.job.id, Place(resumed.behind, interrupted=True), found.sees_graph, found.job.end_user)
