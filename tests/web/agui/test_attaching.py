"""A run is told to whoever attaches in the protocol that they speak, whatever that of its submit was."""

from uuid import uuid4

import pytest

from tests.journeys.employing import Agency
from tests.making import approval_flow, echo_flow, failing_flow, model_flow
from tests.model_wires import OPENAI
from tests.reading import FLOWS, WORKFLOWS, Client, Frame, frames
from tests.shapes import Exported
from tests.web.agui.telling import Teller, Wire, statuses


def langflow_frames(teller: Teller, job_id: str, **query: str) -> list[Frame]:
    params = {"stream_protocol": "langflow", **query}
    with teller.client.http.stream("GET", f"{WORKFLOWS}/{job_id}/events", params=params) as answer:
        return list(frames(answer))


def test_a_run_of_one_protocol_is_told_in_the_others(teller: Teller) -> None:
    """A run that was submitted as `langflow` in both of AG-UI, and the other way round."""
    job_id = teller.submit(echo_flow(), Wire("langflow"), input_value="hello")
    assert teller.over(job_id).full.said == ["hello"]
    told = langflow_frames(teller, teller.submit(echo_flow(), Wire("agui-interrupt"), input_value="hello"))
    assert [told[0].event, told[-1].event] == ["vertices_sorted", "end"]


def test_graph_state_is_not_widened(teller: Teller) -> None:
    """Whoever may see the state may go without it; whoever may not, does not get it by asking."""
    job_id = teller.submit(echo_flow(), Wire(exposed=False))
    asking = teller.read(teller.body(job_id, expose_graph_state="true"))
    assert (statuses(asking), asking.custom("langflow.event")) == ({}, [])
    assert "end_vertex" not in [frame.event for frame in langflow_frames(teller, job_id)]
    seen = teller.submit(echo_flow())
    plain = langflow_frames(teller, seen, expose_graph_state="false")
    assert "end_vertex" not in [frame.event for frame in plain]


@pytest.mark.parametrize("protocol", ["agui2", "", "AGUI"])
def test_a_protocol_that_nothing_speaks_is_refused(teller: Teller, protocol: str) -> None:
    """With those that are spoken, at the submit and at the attach."""
    job_id = teller.submit(echo_flow())
    attached = teller.client.http.get(f"{WORKFLOWS}/{job_id}/events", params={"stream_protocol": protocol})
    flow_id = teller.client.store(echo_flow())
    submitted = teller.client.run(flow_id, mode="stream", stream_protocol=protocol)
    for answer in (attached, submitted):
        assert (answer.status_code, answer.json()["detail"]["code"]) == (422, "UNKNOWN_STREAM_PROTOCOL")
        assert answer.json()["detail"]["available"] == ["agui", "agui-interrupt", "langflow"]


def test_tokens_are_told_one_by_one(teller: Teller, agency: Agency) -> None:
    """Also to whoever comes when the run is over, while the stream holds them."""
    agency.script([OPENAI.says(*"Hello, world")])
    flow_id = teller.client.store(model_flow())
    with teller.client.streaming(flow_id, stream_protocol="agui", input_value="Go") as found:
        job_id, *_ = [frame.json["runId"] for frame in found if frame.json["type"] == "RUN_FINISHED"]
    live = teller.told(job_id, Wire(exposed=False))
    assert live.said == ["Hello, world"]
    assert len(live.of("TEXT_MESSAGE_CONTENT")) == 12


class Visitor:
    """Somebody without an account, at the page of a published flow."""

    def __init__(self, teller: Teller, exported: Exported) -> None:
        self._teller = teller
        self._flow_id = teller.client.store(exported)
        published = teller.client.http.post(f"{FLOWS}{self._flow_id}/shares", json={"public": True, "level": "execute"})
        assert published.status_code in (200, 201), published.text
        self.cookies = {"client_id": str(uuid4())}

    def run(self, client: Client, protocol: str) -> bytes:
        body = {"flow_id": self._flow_id, "input_value": "hello", "stream_protocol": protocol}
        answer = client.http.post(
            f"{WORKFLOWS}/public", json=body, headers={"Cookie": f"client_id={self.cookies['client_id']}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.mark.parametrize("protocol", ["agui", "agui-interrupt"])
def test_a_visitor_is_told_of_a_public_run(teller: Teller, protocol: str) -> None:
    """Its messages, and their mirror for Langflow's page, without a word of the graph (contract 6.3)."""
    seen = teller.read(Visitor(teller, echo_flow()).run(teller.client, protocol))
    assert seen.said == ["hello"]
    assert seen.types[-1] == "RUN_FINISHED"
    mirrored = seen.custom("langflow.event")
    assert [one["event_type"] for one in mirrored] == ["add_message", "add_message", "end"]
    assert {one["data"]["properties"]["source"]["id"] for one in mirrored[:2]} == {None}
    assert statuses(seen) == {}


def test_a_visitor_is_told_of_a_failure_without_detail(teller: Teller) -> None:
    seen = teller.read(Visitor(teller, failing_flow()).run(teller.client, "agui"))
    [error] = seen.of("RUN_ERROR")
    assert error["message"] == "Workflow execution failed."


def test_the_run_goes_by_the_names_that_langflow_gives_it(teller: Teller) -> None:
    """`threadId` is the session, `runId` the job."""
    job_id = teller.submit(approval_flow(), session_id="a session")
    [started] = teller.told(job_id).of("RUN_STARTED")
    assert (started["threadId"], started["runId"]) == ("a session", job_id)
