"""What `agui` says beside the transcripts of a real Langflow server, and where it says better (gaps G3, G4, G5)."""

from collections.abc import Sequence
from typing import Any

from tests.journeys.employing import Agency
from tests.making import approval_flow, echo_flow, model_flow
from tests.model_wires import OPENAI
from tests.node.agui_client import AguiClient
from tests.reading import WORKFLOWS, frames
from tests.scripted_models import Exchange
from tests.web.agui.telling import Teller, last_id
from tests.web.protocols.test_captures import frames as events_of
from tests.web.protocols.test_captures import paths, transcript

Event = dict[str, Any]
ADDED = {"value.data.status: str", "value.deadline_at: str", "value.takes_text: bool", "value.answerers: list"}
"""What Penstock says beside the contract."""


def streamed(teller: Teller, exposed: bool | None) -> list[Event]:
    body = {"mode": "stream", "stream_protocol": "agui", "input_value": "hello", "session_id": "s2"}
    flow_id = teller.client.store(echo_flow())
    return events_of(teller.client.run(flow_id, **body, expose_graph_state=exposed).content)


def types(events: Sequence[Event]) -> list[str]:
    return [event["type"] for event in events]


def check_keys(ours: Sequence[Event], theirs: Sequence[Event]) -> None:
    """The same events, in their order, each with the keys that were captured."""
    assert types(ours) == types(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert paths(one) - paths(other) <= ADDED, one["type"]
        assert paths(other) - paths(one) == set(), one["type"]


def test_an_echo_run(teller: Teller) -> None:
    """Without the state of the graph: frame by frame what was captured."""
    captured = events_of(transcript("stream_agui_None.txt"))
    ours = streamed(teller, None)
    check_keys(ours, captured)
    assert ours[0]["threadId"] == captured[0]["threadId"]
    assert ours[2]["delta"] == captured[2]["delta"]


def test_an_echo_run_with_the_state_of_its_graph(teller: Teller) -> None:
    """Langflow ends steps that it never began (G3a), and never says that a vertex runs; all else is as captured."""
    ours = streamed(teller, True)
    started = [event["stepName"] for event in ours if event["type"] == "STEP_STARTED"]
    finished = [event["stepName"] for event in ours if event["type"] == "STEP_FINISHED"]
    assert started == finished == ["ChatInput-a1", "ChatOutput-b1"]
    check_keys([event for event in ours if not is_added(event)], events_of(transcript("stream_agui_True.txt")))


def is_added(event: Event) -> bool:
    """A step that begins, or nodes that begin to run."""
    is_change = event["type"] == "STATE_DELTA"
    is_running = is_change and {one["value"]["status"] for one in event["delta"]} == {"running"}
    return event["type"] == "STEP_STARTED" or is_running


def test_a_run_that_fails_while_it_speaks(teller: Teller, agency: Agency) -> None:
    """Langflow goes on behind the error (G3b)."""

    def breaks_off(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(OPENAI.chunk({"content": "t0 "}))
        exchange.break_off()

    agency.script([breaks_off])
    captured = events_of(transcript("stream_agui_fail.txt"))
    assert types(captured)[-1] == "RUN_FINISHED"
    flow_id = teller.client.store(model_flow())
    answer = teller.client.run(flow_id, mode="stream", stream_protocol="agui", input_value="hello")
    check_keys(events_of(answer.content), captured[:-1])


def test_an_echo_run_that_is_told_again(teller: Teller) -> None:
    """Langflow tells it without its text (G4)."""
    job_id = teller.submit(echo_flow(), expose_graph_state=None)
    told = events_of(teller.body(job_id))
    assert "TEXT_MESSAGE_CONTENT" in types(told)
    without_text = [event for event in told if event["type"] != "TEXT_MESSAGE_CONTENT"]
    check_keys(without_text, events_of(transcript("bg_agui_echo.txt")))


def test_a_run_that_asks_and_goes_on(teller: Teller) -> None:
    """Langflow begins the run once more behind the answer (G3c), does not tell of the answer (G23), nor again what was
    said (G4)."""
    job_id = teller.submit(approval_flow(), expose_graph_state=None, input_value="hello", session_id="ag9")
    before = teller.body(job_id)
    check_keys(events_of(before), events_of(transcript("bg_agui_susp.txt")))
    assert teller.client.resume(job_id, f"HumanInput-h1:{job_id}", "approve").status_code == 200
    teller.body(job_id, last_id(before))
    told = events_of(teller.body(job_id))
    captured = events_of(transcript("bg_agui_resumed.txt"))
    assert types(captured).count("RUN_STARTED") == 2
    added = ("penstock.human_input_resolved",)
    ours = [one for one in told if one.get("name") not in added and one["type"] != "TEXT_MESSAGE_CONTENT"]
    check_keys(ours, [*captured[:2], *captured[3:]])


def test_a_run_that_is_stopped_while_it_speaks(teller: Teller, agency: Agency, agui_client: AguiClient) -> None:
    """Langflow's last frame is no event of AG-UI (G3d), and no live client is sent it (G5)."""

    def speaks(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(OPENAI.chunk({"content": "Hel"}))
        exchange.wait_until_gone()

    agency.script([speaks])
    captured = events_of(transcript("bg_agui_stopped.txt"))
    assert captured[-1] == {"type": "cancelled"}
    job_id = teller.submit(model_flow(), expose_graph_state=None)
    with teller.client.http.stream("GET", f"{WORKFLOWS}/{job_id}/events") as answer:
        live = []
        for frame in frames(answer):
            live.append(frame.json)
            if frame.json["type"] == "TEXT_MESSAGE_CONTENT":
                assert teller.client.stop(job_id).status_code == 200
    assert types(live[:2]) == types(captured[:2])
    assert types(live[2:]) == ["TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "CUSTOM", "RUN_FINISHED"]
