"""A run that waits for people or for a word: `agui` stays one run, `agui-interrupt` ends one and begins another."""

from typing import Any

import pytest

from tests.making import approval_flow, approvals_flow
from tests.node.agui_client import Json, Outcome
from tests.web.agui.telling import Teller, Wire, last_id, statuses

INTERRUPT = Wire("agui-interrupt")


def asked_by(outcome: Outcome) -> list[Json]:
    return list(outcome.custom("langflow.human_input_required"))


def answered(teller: Teller, job_id: str, vertex_id: str, action_id: str = "approve") -> None:
    assert teller.client.resume(job_id, f"{vertex_id}:{job_id}", action_id).status_code == 200


@pytest.mark.parametrize("exposed", [True, False], ids=["graph", "plain"])
def test_agui_just_ends_where_somebody_is_asked(teller: Teller, exposed: bool) -> None:
    """Behind `langflow.human_input_required`, for Langflow's page takes an end of the run as the end of the question
    (contract 4.6); and the vertex that asks is not done."""
    job_id = teller.submit(approval_flow(), Wire("agui", exposed))
    seen = teller.told(job_id, Wire("agui", exposed))
    assert (seen.types[-1], seen.events[-1]["name"]) == ("CUSTOM", "langflow.human_input_required")
    assert not seen.interrupts
    assert statuses(seen).get("HumanInput-h1") == ("pending" if exposed else None)


@pytest.mark.parametrize("exposed", [True, False], ids=["graph", "plain"])
def test_an_interrupt_says_what_is_asked_and_how_to_answer(teller: Teller, exposed: bool) -> None:
    """In the words of AG-UI 1.0; Langflow's come before."""
    form = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
    wire = Wire("agui-interrupt", exposed)
    job_id = teller.submit(approval_flow(form=form, takes_text=True), wire, input_value="Refund?")
    seen = teller.told(job_id, wire)
    [payload] = asked_by(seen)
    [interrupt] = seen.interrupts
    assert interrupt == {
        "id": payload["request_id"],
        "reason": "node_input",
        "message": "Refund?",
        "responseSchema": {
            "type": "object",
            "properties": {
                "action_id": {"type": "string", "enum": ["approve", "reject"]},
                "values": form,
                "text": {"type": "string"},
            },
            "required": ["action_id"],
        },
        "expiresAt": payload["deadline_at"],
        "metadata": {"penstock": payload},
    }
    assert statuses(seen).get("HumanInput-h1") == ("pending" if exposed else None)


@pytest.mark.parametrize("protocol", ["agui", "agui-interrupt"])
@pytest.mark.parametrize("exposed", [True, False], ids=["graph", "plain"])
def test_a_run_goes_on_behind_the_cursor(teller: Teller, protocol: str, exposed: bool) -> None:
    """What comes behind an answer goes on from what the client has, as the same run or as the next one; and from the
    start the whole run is one."""
    wire = Wire(protocol, exposed)
    query = {"stream_protocol": protocol}
    job_id = teller.submit(approval_flow(), wire, input_value="Refund?")
    before = teller.body(job_id, **query)
    answered(teller, job_id, "HumanInput-h1")
    after = teller.body(job_id, last_id(before), **query)
    seen = teller.read(before, after)
    assert seen.types.count("RUN_STARTED") == (2 if protocol == "agui-interrupt" else 1)
    assert not seen.interrupts
    assert seen.said == ["Refund?"]
    [resolved] = seen.custom("penstock.human_input_resolved")
    assert resolved["decision"]["action_id"] == "approve"
    told = teller.over(job_id) if exposed else None
    assert told is None or told.full.messages == seen.messages
    if exposed:
        assert statuses(seen)["HumanInput-h1"] == "success"
        assert statuses(seen)["ChatOutput-no"] == "inactive"
        assert statuses(seen) == told.statuses  # type: ignore[union-attr]


def test_whoever_has_read_the_interrupt_has_it_all(teller: Teller) -> None:
    """While the run waits there is nothing more for them (204), and everything for whoever comes new."""
    job_id = teller.submit(approval_flow(), INTERRUPT)
    before = teller.body(job_id)
    answer = teller.client.http.get(f"/api/v2/workflows/{job_id}/events", headers={"Last-Event-ID": last_id(before)})
    assert answer.status_code == 204
    assert teller.read(teller.body(job_id)).events == teller.read(before).events


def test_a_cut_before_the_interrupt_brings_it_again(teller: Teller) -> None:
    """Whoever has lost the last frame of the pause is told it when they come back."""
    job_id = teller.submit(approval_flow(), INTERRUPT)
    before = teller.body(job_id)
    cut, _, lost = before.rstrip().rpartition(b"\n\n")
    assert b"RUN_FINISHED" in lost
    seen = teller.read(cut + b"\n\n", teller.body(job_id, last_id(cut + b"\n\n")))
    assert [one["id"] for one in seen.interrupts] == [f"HumanInput-h1:{job_id}"]


def test_two_questions_answered_one_by_one(teller: Teller) -> None:
    """Between the answers the run goes on as far as it can, and waits for the other one alone."""
    job_id = teller.submit(approvals_flow(2), INTERRUPT, input_value="Go on?")
    first = teller.body(job_id)
    assert {one["id"] for one in teller.read(first).interrupts} == {f"HumanInput-{n}:{job_id}" for n in (1, 2)}
    answered(teller, job_id, "HumanInput-2")
    second = teller.body(job_id, last_id(first))
    between = teller.read(first, second)
    assert [one["id"] for one in between.interrupts] == [f"HumanInput-1:{job_id}"]
    assert between.said == ["Go on?"]
    assert statuses(between) == {
        "ChatInput-a1": "success", "HumanInput-1": "pending", "ChatOutput-1": "pending",
        "HumanInput-2": "success", "ChatOutput-2": "success",
    }  # fmt: skip
    answered(teller, job_id, "HumanInput-1")
    seen = teller.read(first, second, teller.body(job_id, last_id(second)))
    assert (seen.types.count("RUN_STARTED"), seen.interrupts, seen.said) == (3, [], ["Go on?", "Go on?"])
    assert teller.over(job_id).full.messages == seen.messages


def test_two_questions_answered_together(teller: Teller) -> None:
    """While the run is paused both answers are kept; then one run goes on from both."""
    job_id = teller.submit(approvals_flow(2), INTERRUPT, input_value="Go on?")
    first = teller.body(job_id)
    assert teller.client.pause(job_id).status_code == 200
    for vertex_id in ("HumanInput-1", "HumanInput-2"):
        answered(teller, job_id, vertex_id)
    assert teller.client.resume(job_id, None, None).status_code == 200
    seen = teller.read(first, teller.body(job_id, last_id(first)))
    assert seen.said == ["Go on?", "Go on?"]
    assert not seen.interrupts
    assert teller.over(job_id).full.messages == seen.messages


def test_a_run_that_somebody_pauses(teller: Teller) -> None:
    """Its interrupt needs no answer but that it may go on."""
    job_id = teller.submit(approval_flow(), INTERRUPT)
    teller.body(job_id)
    assert teller.client.pause(job_id).status_code == 200
    seen = teller.told(job_id, INTERRUPT)
    assert [one["reason"] for one in seen.interrupts] == ["node_input", "paused"]
    answered(teller, job_id, "HumanInput-h1")
    alone = teller.told(job_id, INTERRUPT)
    assert [one["id"] for one in alone.interrupts] == [f"paused:{job_id}"]
    assert teller.client.resume(job_id, None, None).status_code == 200
    assert teller.told(job_id, INTERRUPT).types[-1] == "RUN_FINISHED"


def test_a_question_whose_time_is_over(teller: Teller) -> None:
    """It is closed, the fallback is taken, and the interrupt told until when it could be answered."""
    fields: dict[str, Any] = {"enable_fallback": True, "timeout": {"value": 1 / 60, "unit": "Minutes"}}
    job_id = teller.submit(approval_flow(**fields), INTERRUPT, input_value="Go on?")
    before = teller.body(job_id)
    [interrupt] = teller.read(before).interrupts
    assert interrupt["expiresAt"]
    assert interrupt["responseSchema"]["properties"]["action_id"]["enum"] == ["approve", "reject", "fallback"]
    with teller.client.following(f"/api/v2/workflows/{job_id}/events", on_suspend="follow") as found:
        ended = [frame.json["type"] for frame in found][-1]
    assert ended == "RUN_FINISHED"
    told = teller.over(job_id)
    assert told.full.custom("penstock.human_input_expired") == [
        {"request_id": interrupt["id"], "action_id": "fallback"}
    ]
    assert told.statuses["ChatOutput-late"] == "success"
    assert told.full.said == ["Go on?"]


def test_a_stream_that_stays_across_the_pause(teller: Teller) -> None:
    """`?on_suspend=follow` is one run in both protocols, for nothing ends where the stream does not."""
    job_id = teller.submit(approval_flow(), INTERRUPT, input_value="Go on?")
    teller.body(job_id)
    answered(teller, job_id, "HumanInput-h1")
    body = teller.body(job_id, on_suspend="follow")
    assert teller.read(body).types.count("RUN_STARTED") == 1


def test_a_run_that_is_stopped_while_it_waits(teller: Teller) -> None:
    """Whoever has read its interrupt is told by one more run, which has nothing in it but the end."""
    job_id = teller.submit(approval_flow(), INTERRUPT)
    before = teller.body(job_id)
    assert teller.client.stop(job_id).status_code == 200
    seen = teller.read(before, teller.body(job_id, last_id(before)))
    assert seen.types[-4:] == ["RUN_STARTED", "STATE_SNAPSHOT", "CUSTOM", "RUN_FINISHED"]
    assert seen.events[-1]["outcome"] == {"type": "cancelled"}
    assert not seen.interrupts
