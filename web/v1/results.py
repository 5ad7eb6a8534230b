"""What a finished job is told as: Langflow's RunResponse, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.jobs import JobView, finished_vertices
from storage.states import Status
from web.errors import Refusal
from web.protocols.langflow import NO_SOURCE
from web.services import Services
from web.v1.schemas import ChatMessageResult, ComponentResult, RunResult, V1RunResponse
from web.workflows.answers import going_down, stored_error, timed_out


@dataclass(frozen=True)
class Wanted:
    """Which results are asked for, and whether they may tell of the graph."""

    input_value: str
    output_type: str
    output_component: str | None
    exposes_graph: bool

    def includes(self, finished: Mapping[str, Any]) -> bool:
        """Whether the result of a vertex is among them, by its `output_meta`."""
        if not (finished["is_output"] or self.exposes_graph):
            return False
        if self.output_component:
            return bool(finished["component_id"] == self.output_component)
        if self.output_type == "debug":
            return True
        kinds = ("chat", "text") if self.output_type == "any" else (self.output_type,)
        return finished["is_output"] and any(kind in finished["vertex_type"].lower() for kind in kinds)


def response_of(services: Services, job: JobView, wanted: Wanted) -> V1RunResponse:
    """The response that a job makes. Refuses when it makes none: it has failed, was stopped, or waits for people."""
    _check_completed(job)
    # A vertex in a loop has several results, of which the last stands.
    last = {found["build_data"]["id"]: found for found in finished_vertices(services.store.database, job.id)}
    outputs = [_result(found, wanted) for found in last.values() if wanted.includes(found["output_meta"])]
    told = RunResult(inputs={"input_value": wanted.input_value}, outputs=outputs)
    return V1RunResponse(session_id=job.session_id, outputs=[told], job_id=job.id)


def needs_people(message: str, **more: Any) -> Refusal:
    """Something that this route cannot tell of (contract 4.1)."""
    return Refusal(400, "Human input required", "HUMAN_INPUT_REQUIRED", message, **more)


def _check_completed(job: JobView) -> None:
    more = {"job_id": job.id, "flow_id": job.flow_id}
    if job.status is Status.SUSPENDED:
        where = (
            f"Ask GET /api/v2/workflows/{job.id}/pending, answer, and take its result at /api/v2/workflows/{job.id}."
        )
        raise needs_people(f"The run waits for a person, which this route cannot tell you. {where}", **more)
    if job.status is Status.CANCELLED:
        raise Refusal(409, "Run stopped", "JOB_CANCELLED", f"The run was stopped: job {job.id}.", **more)
    if job.status is Status.TIMED_OUT:
        raise timed_out(job)
    if job.status is Status.FAILED:
        error = stored_error(job)
        message = str(error["message"]) if error else f"Job {job.id} has failed."
        raise Refusal(500, "Run failed", "EXECUTION_ERROR", message, **more, error_detail=error)
    if job.status is not Status.COMPLETED:
        raise going_down(job.id)


def _result(finished: Mapping[str, Any], wanted: Wanted) -> ComponentResult:
    meta, data = finished["output_meta"], finished["build_data"]["data"]
    results = (
        data["results"]
        if wanted.exposes_graph
        else {name: _without_sources(it) for name, it in data["results"].items()}
    )
    said = next((value for value in results.values() if _is_message(value)), None)
    return ComponentResult(
        results=results if said is None else {"message": said, **results},
        artifacts=data["artifacts"],
        outputs=data["outputs"],
        logs=data["logs"],
        messages=[] if said is None else [_message(said, meta["component_id"])],
        timedelta=data["timedelta"],
        duration=data["duration"],
        component_display_name=meta["display_name"],
        component_id=meta["component_id"],
        used_frozen_result=data["used_frozen_result"],
    )


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and "sender" in value


def _message(said: Mapping[str, Any], component_id: str) -> ChatMessageResult:
    return ChatMessageResult(
        message=said["text"],
        sender=said["sender"],
        sender_name=said.get("sender_name"),
        session_id=said.get("session_id"),
        component_id=component_id,
        files=list(said.get("files") or ()),
    )


def _without_sources(value: Any) -> Any:
    """A value without the names of the components that it came from."""
    if isinstance(value, list):
        return [_without_sources(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {name: _without_sources(item) for name, item in value.items()}
    return {**shown, "source": NO_SOURCE} if isinstance(shown.get("source"), dict) else shown
