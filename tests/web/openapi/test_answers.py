"""What the server answers is what the document tells, to the last key."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.making import approval_flow, failing_flow
from tests.reading import WORKFLOWS, frames
from tests.web.openapi.conforming import EVENTS, JSON, Conformance
from tests.web.rights.principals import Principal
from tests.web.rights.rows import ROWS, Row
from tests.web.rights.world import World
from web.openapi.streams import EVENTS as EVENTS_OF

WHO = (Principal.OWNER, Principal.OTHER, Principal.ANONYMOUS, Principal.END_USER)
MODES = ("sync", "stream", "background")


def told(answer: httpx.Response) -> Iterator[tuple[str | None, Any]]:
    """The media type of an answer, with its JSON or with the data of each of its events."""
    media_type = answer.headers.get("content-type", "").partition(";")[0] or None
    if media_type == EVENTS:
        yield from ((media_type, json.loads(frame.data)) for frame in frames(answer))
    else:
        yield media_type, answer.json() if media_type == JSON else None


def check(conformance: Conformance, method: str, path: str, answer: httpx.Response) -> None:
    for media_type, content in told(answer):
        conformance.check(method, path.replace(":path", ""), answer.status_code, media_type, content)


@pytest.mark.parametrize("principal", WHO)
def test_every_route_answers_as_told(
    conformance: Conformance, world: World, lasting: World, principal: Principal
) -> None:
    """Whoever calls a route gets one of the answers that it is described with."""
    for (method, path), row in sorted(ROWS.items(), key=_last_what_others_need):
        things = world if _changes(method, row, principal) else lasting
        call = row.call(things)
        if not row.is_stream:
            check(conformance, method, path, things.send(principal, method, call.url, **call.body))


def _last_what_others_need(item: tuple[tuple[str, str], Row]) -> tuple[bool, int]:
    """What is deleted goes last, and what is inside another thing before it."""
    (method, path), _ = item
    return method == "DELETE", -path.count("/")


def _changes(method: str, row: Row, principal: Principal) -> bool:
    return method != "GET" and row.statuses[principal] < 400


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("protocol", EVENTS_OF)
@pytest.mark.parametrize("make", [approval_flow, failing_flow], ids=["asks", "fails"])
def test_every_run_answers_as_told(
    conformance: Conformance, lasting: World, make: Any, protocol: str, mode: str
) -> None:
    """A run that asks a person and one that fails are told as described in every mode and protocol, as is the job."""
    flow_id = lasting.store(make())
    body = {"flow_id": flow_id, "mode": mode, "stream_protocol": protocol, "input_value": "x"}
    answer = lasting.send(Principal.OWNER, "POST", WORKFLOWS, json=body)
    check(conformance, "POST", WORKFLOWS, answer)
    for job in lasting.by_owner("GET", f"{WORKFLOWS}/jobs?flow_id={flow_id}")["jobs"]:
        url = f"{WORKFLOWS}/{job['job_id']}"
        events = lasting.send(Principal.OWNER, "GET", f"{url}/events")
        check(conformance, "GET", f"{WORKFLOWS}/{{job_id}}/events", events)
        check(
            conformance, "GET", WORKFLOWS, lasting.send(Principal.OWNER, "GET", f"{WORKFLOWS}?job_id={job['job_id']}")
        )
        check(conformance, "GET", f"{WORKFLOWS}/{{job_id}}", lasting.send(Principal.OWNER, "GET", url))


def test_the_feed_tells_what_is_described(conformance: Conformance, lasting: World) -> None:
    """The feed of human requests begins with one that is open."""
    asking = lasting.asking
    path = "/api/v2/human-requests/events"
    headers = dict(lasting.people.headers[Principal.OWNER])
    with lasting.http.stream("GET", path, headers=headers) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                conformance.check("GET", path, 200, EVENTS, event)
                if event["data"]["request_id"] == asking["request_id"]:
                    return
