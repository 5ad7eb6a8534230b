"""Everything that can be asked of a server, each as a value: a call, a page of many things, or a job to watch.

What is said and how it is understood stands here, once; `Client` and `AsyncClient` carry it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypedDict, Unpack
from uuid import uuid4

import httpx

from penstock.client.call import Call, Page, Request, as_a, nothing, path_of
from penstock.client.errors import RunFailed
from penstock.client.following import PROTOCOL, SILENCE_SECONDS, Watch
from penstock.client.models import (
    Decision,
    ExecutionResponse,
    FlowDetail,
    HumanRequestDetail,
    HumanRequestList,
    JobDetail,
    JobList,
    JobResponse,
    Mode,
    PendingRequest,
    Said,
    Status,
)

WORKFLOWS = "/api/v2/workflows"
FLOWS = "/api/v1/flows/"
RUN_SECONDS = 600.0
"""How long the answer of a run may take; a server gives up on it sooner."""
PAGE = 100


class RunOptions(TypedDict, total=False):
    """What may be said of any run (contract 1.1)."""

    session_id: str
    tweaks: Mapping[str, Any]
    globals: Mapping[str, str]
    max_tokens: int
    idempotency_key: str
    """Runs with the same key are one run. Without it the client makes one, so that trying again is safe."""


class JobOptions(RunOptions, total=False):
    """What may be said of a run that is streamed or submitted."""

    data: Mapping[str, Any]
    files: Sequence[str]
    start_component_id: str
    stop_component_id: str
    expose_graph_state: bool


def run(
    flow_id: str, input_value: str = "", *, output_ids: Sequence[str] = (), **options: Unpack[RunOptions]
) -> Call[ExecutionResponse]:
    """Runs a flow and waits for its answer: `.output.text` when it has one. A run that asks a person is answered with
    the status `suspended`. Trying again is safe as in `submit`. Raises `RunFailed` and `RunTimedOut`."""
    body = _body(Mode.SYNC, flow_id, input_value, options)
    if output_ids:
        body["output_ids"] = list(output_ids)
    return Call(Request("POST", WORKFLOWS, body, read_seconds=RUN_SECONDS), _completed)


def stream(flow_id: str, input_value: str = "", *, across_pauses: bool = False, **options: Unpack[JobOptions]) -> Watch:
    """Runs a flow and yields its events as they come, each once, whatever becomes of the connection or the server. Ends
    behind the last event, or where the run waits for somebody unless it is to go on `across_pauses`. Trying again is
    safe as in `submit`."""
    body = _body(Mode.STREAM, flow_id, input_value, options)
    return Watch(Request("POST", WORKFLOWS, body, read_seconds=SILENCE_SECONDS), across_pauses=across_pauses)


def submit(flow_id: str, input_value: str = "", **options: Unpack[JobOptions]) -> Call[JobResponse]:
    """Starts a run in the background; the job to come back for. A key makes trying again safe unless the job has failed
    or was stopped meanwhile, which frees its key."""
    return Call(Request("POST", WORKFLOWS, _body(Mode.BACKGROUND, flow_id, input_value, options)), as_a(JobResponse))


def attach(job_id: str, cursor: str | None = None, *, across_pauses: bool = False) -> Watch:
    """Yields the events of a job behind a cursor, all of them without one, each once. Ends behind the last event, or
    where the job waits for somebody unless it is to go on `across_pauses`."""
    return Watch(None, job_id, cursor, across_pauses)


def job(job_id: str) -> Call[JobDetail]:
    """How a job stands: its status, and with it its result, its error or what it asks."""
    return Call(Request("GET", path_of(f"{WORKFLOWS}/{{}}", job_id)), as_a(JobDetail))


def jobs(
    *, flow_id: str | None = None, status: Status | str | None = None, session_id: str | None = None
) -> Call[Page[JobDetail]]:
    """Yields the jobs of the caller, the newest first."""
    asked = {"flow_id": flow_id, "status": status, "session_id": session_id, "limit": PAGE}
    return _jobs(asked)


def stop(job_id: str) -> Call[Said]:
    """Stops a job, in any state; one that is over stays as it is."""
    return Call(Request("POST", f"{WORKFLOWS}/stop", {"job_id": job_id}), as_a(Said))


def pause(job_id: str) -> Call[Said]:
    """Lets a job stand still at the next end of a vertex, until it is resumed without a request."""
    return Call(Request("POST", path_of(f"{WORKFLOWS}/{{}}/pause", job_id)), as_a(Said))


def resume(
    job_id: str,
    request_id: str | None = None,
    action_id: str | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    text: str = "",
    decisions: Sequence[Decision] = (),
) -> Call[Said]:
    """Decides on a human request of a job; without one, lets a paused job go on. The same decision once more changes
    nothing. Raises `AlreadyAnswered` when somebody else was first."""
    path = path_of(f"{WORKFLOWS}/{{}}/resume", job_id)
    if request_id is None:
        return Call(Request("POST", path, {}), as_a(Said), repeatable=False)
    decision = Decision(action_id, dict(values or {}), text, tuple(decisions))
    return Call(Request("POST", path, {"request_id": request_id, "decision": decision.dump()}), as_a(Said))


def pending(job_id: str) -> Call[list[HumanRequestDetail]]:
    """What a job asks now."""
    return Call(Request("GET", path_of(f"{WORKFLOWS}/{{}}/pending", job_id)), as_a(list[HumanRequestDetail]))


def pending_of_flow(flow_id: str) -> Call[list[PendingRequest]]:
    """What the caller's jobs of a flow ask now."""
    return Call(Request("GET", f"{WORKFLOWS}/pending", params={"flow_id": flow_id}), as_a(list[PendingRequest]))


def inbox(
    *, flow_id: str | None = None, kind: str | None = None, overdue: bool = False
) -> Call[Page[HumanRequestDetail]]:
    """Yields the open human requests that the caller may answer, the oldest first."""
    return _inbox({"flow_id": flow_id, "kind": kind, "overdue": overdue, "limit": PAGE})


def flows() -> Call[list[FlowDetail]]:
    """The flows that the caller may see, without their data."""
    return Call(Request("GET", FLOWS, params={"header_flows": True}), as_a(list[FlowDetail]))


def flow(flow_id: str) -> Call[FlowDetail]:
    """A flow with its data."""
    return Call(Request("GET", path_of(f"{FLOWS}{{}}", flow_id)), as_a(FlowDetail))


def push_flow(export: Mapping[str, Any]) -> Call[FlowDetail]:
    """Stores an exported flow under its id, or a new one when it has none; the one that is there is changed."""
    flow_id = str(export.get("id") or uuid4())
    return Call(Request("PUT", path_of(f"{FLOWS}{{}}", flow_id), dict(export)), as_a(FlowDetail))


def delete_flow(flow_id: str) -> Call[None]:
    """Deletes a flow, unless jobs of it live."""
    return Call(Request("DELETE", path_of(f"{FLOWS}{{}}", flow_id)), nothing, repeatable=False)


def _body(mode: Mode, flow_id: str, input_value: str, options: JobOptions | RunOptions) -> dict[str, Any]:
    key = options.get("idempotency_key") or uuid4().hex
    said = {"flow_id": flow_id, "input_value": input_value, "mode": mode, "stream_protocol": PROTOCOL}
    return {**options, **said, "idempotency_key": key}


def _completed(response: httpx.Response) -> ExecutionResponse:
    result = as_a(ExecutionResponse)(response)
    if result.status in (Status.FAILED, Status.CANCELLED):
        raise RunFailed(result)
    return result


def _jobs(asked: Mapping[str, Any]) -> Call[Page[JobDetail]]:
    return Call(Request("GET", f"{WORKFLOWS}/jobs", params=asked), partial(_page_of_jobs, asked))


def _page_of_jobs(asked: Mapping[str, Any], response: httpx.Response) -> Page[JobDetail]:
    page = as_a(JobList)(response)
    return Page(page.jobs, _jobs({**asked, "cursor": page.next_cursor}) if page.next_cursor else None)


def _inbox(asked: Mapping[str, Any]) -> Call[Page[HumanRequestDetail]]:
    return Call(Request("GET", "/api/v2/human-requests", params=asked), partial(_page_of_requests, asked))


def _page_of_requests(asked: Mapping[str, Any], response: httpx.Response) -> Page[HumanRequestDetail]:
    page = as_a(HumanRequestList)(response)
    more = _inbox({**asked, "cursor": page.next_cursor}) if page.next_cursor else None
    return Page(page.human_requests, more)
