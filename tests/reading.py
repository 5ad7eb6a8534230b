"""A client of the workflow API for tests: what `curl` would do, and server-sent events one by one."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

WORKFLOWS = "/api/v2/workflows"
FLOWS = "/api/v1/flows/"
PATIENCE = 60.0
"""Seconds until a test gives up waiting for a fact."""


@dataclass(frozen=True)
class Frame:
    """One server-sent event: its `id`, and its data as sent and as read."""

    id: str
    data: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.data)
        return parsed

    @property
    def event(self) -> str:
        return str(self.json["event"])

    @property
    def is_delta(self) -> bool:
        return "-" in self.id


class Client:
    """Speaks to one web process."""

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {"x-api-key": key} if key else {}
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, headers=headers)

    def close(self) -> None:
        self.http.close()

    def store(self, flow: dict[str, Any], name: str = "flow") -> str:
        """Stores a flow's `{nodes, edges}`, or a whole export, and returns its id."""
        body = flow if "data" in flow else {"name": name, "data": flow}
        answer = self.http.post(FLOWS, json={**body, "endpoint_name": None})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, flow_id: str, **body: Any) -> httpx.Response:
        return self.http.post(WORKFLOWS, json={"flow_id": flow_id, **body})

    def submit(self, flow_id: str, **body: Any) -> str:
        """Starts a background run and returns its job id."""
        answer = self.run(flow_id, mode="background", **body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    def stop(self, job_id: str) -> httpx.Response:
        return self.http.post(f"{WORKFLOWS}/stop", json={"job_id": job_id})

    def resume(self, job_id: str, request_id: str | None, action_id: str | None, **decision: Any) -> httpx.Response:
        """Decides on a human request; without one, lets a paused job go on."""
        body: dict[str, Any] = {}
        if request_id is not None:
            body = {"request_id": request_id, "decision": {"action_id": action_id, **decision}}
        return self.http.post(f"{WORKFLOWS}/{job_id}/resume", json=body)

    def pause(self, job_id: str) -> httpx.Response:
        return self.http.post(f"{WORKFLOWS}/{job_id}/pause")

    def asked(self, job_id: str) -> list[dict[str, Any]]:
        """The open human requests of a job."""
        answer = self.http.get(f"{WORKFLOWS}/{job_id}/pending")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"{WORKFLOWS}/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @contextmanager
    def streaming(self, flow_id: str, **body: Any) -> Iterator[Iterator[Frame]]:
        """A run in mode stream, frame by frame."""
        request = {"flow_id": flow_id, "mode": "stream", **body}
        with self.http.stream("POST", WORKFLOWS, json=request) as response:
            assert response.status_code == 200, response.read()
            yield frames(response)

    @contextmanager
    def attached(self, job_id: str, last_event_id: str | None = None) -> Iterator[Iterator[Frame]]:
        """The events of a job after a cursor, frame by frame, to the end of the stream."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        with self.http.stream("GET", f"{WORKFLOWS}/{job_id}/events", headers=headers) as response:
            assert response.status_code in (200, 204), response.read()
            yield frames(response)

    @contextmanager
    def following(self, url: str, **query: str) -> Iterator[Iterator[Frame]]:
        """The frames of any stream."""
        with self.http.stream("GET", url, params=query) as response:
            assert response.status_code == 200, response.read()
            yield frames(response)

    def events(self, job_id: str, last_event_id: str | None = None) -> list[Frame]:
        """All events of a job after a cursor, when it is over."""
        with self.attached(job_id, last_event_id) as found:
            return list(found)


def frames(response: httpx.Response) -> Iterator[Frame]:
    """The frames of a stream. Fails on one whose fields are not `data`, then `id`, and when only comments come."""
    data, deadline = "", time.monotonic() + PATIENCE
    for line in response.iter_lines():
        assert time.monotonic() < deadline, f"no event came for {PATIENCE:g} s"
        if line.startswith("data: "):
            assert not data, f"two data lines in one frame: {line}"
            data = line.removeprefix("data: ")
        elif line.startswith("id: "):
            assert data, "an id before its data"
            yield Frame(line.removeprefix("id: "), data)
            data, deadline = "", time.monotonic() + PATIENCE


def until(found: Iterator[Frame], event: str) -> list[Frame]:
    """Reads up to and including the first frame of a type."""
    seen = []
    for frame in found:
        seen.append(frame)
        if frame.event == event:
            return seen
    raise AssertionError(f"the stream ended before {event}")


def milestones(found: list[Frame]) -> list[Frame]:
    return [frame for frame in found if not frame.is_delta]
