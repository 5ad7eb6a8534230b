"""A pass that needs a person: others go on meanwhile, the job is suspended when nothing can, and goes on once."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import orjson
import pytest

from flows.context import VertexContext
from flows.deciding import Ruling, rule
from flows.human import ActionRequest, Decision, HumanRequest, Option, RequestKind
from flows.values import Message
from storage.human_requests import requests_of
from storage.jobs import outputs_of
from storage.pausing import pause, resume
from storage.states import RequestState, Status
from storage.store import Store
from tests.actors.stage import Gate, Stage, forked_flow, staged_flow
from tests.actors.workplace import QUICK, Workplace, eventually, working
from tests.making import approval_flow

APPROVE = Decision("approve")
OPTIONS = tuple(Option(one, one.title()) for one in Ruling)


def a_call(**args: str) -> HumanRequest:
    """Asks whether a tool may be called."""
    call = ActionRequest("send_mail", args, "Sends a mail.")
    return HumanRequest(RequestKind.TOOL_APPROVAL, "May I?", OPTIONS, action_requests=(call,))


def a_choice(prompt: str) -> HumanRequest:
    return HumanRequest(RequestKind.NODE_INPUT, prompt, (Option("approve", "Approve"), Option("reject", "Reject")))


def open_in(workplace: Workplace, job_id: str) -> list[str]:
    """The ids of the open requests of a job."""
    return [found.id for found in requests_of(workplace.store.database, job_id) if found.is_open]


def test_another_process_goes_on_from_the_answer(opening: Callable[[], Store], stage: Stage) -> None:
    """What was finished before the pause is not built again."""

    async def act(context: VertexContext) -> Message:
        return Message(str(context.ask(a_choice("Go on?")).action_id))

    stage.acts["Scripted-2"] = act
    with closing(opening()) as store, working(store) as workplace:
        job_id = workplace.submit(staged_flow(["Scripted", "Scripted", "Scripted"]))
        workplace.to_suspension(job_id)
    with closing(opening()) as store, working(store) as workplace:
        [request_id] = open_in(workplace, job_id)
        workplace.answer(job_id, request_id, APPROVE)
        workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert stage.built == ["Scripted-1", "Scripted-2", "Scripted-2", "Scripted-3"]


def test_two_pauses_in_sequence_need_two_answers(workplace: Workplace, stage: Stage) -> None:
    """Though they ask the same: the answer to the first satisfies no other (B4, B7)."""
    decisions: list[str | None] = []

    async def act(context: VertexContext) -> Message:
        decisions[:] = [context.ask(a_choice("Go on?")).action_id for _ in range(2)]
        return Message("done")

    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(staged_flow(["Scripted"]))
    workplace.to_suspension(job_id)
    [first] = open_in(workplace, job_id)
    workplace.answer(job_id, first, APPROVE)
    workplace.to_suspension(job_id, times=2)
    [second] = open_in(workplace, job_id)
    workplace.answer(job_id, second, Decision("reject"))
    workplace.to_end(job_id)
    assert first != second
    assert decisions == ["approve", "reject"]


def test_the_call_that_is_made_is_the_one_that_was_approved(workplace: Workplace, stage: Stage) -> None:
    """A model that wants something else when it is asked again has to ask for that (B5)."""
    wanted = iter(["a", "b", "b"])
    made: list[dict[str, object]] = []

    async def act(context: VertexContext) -> Message:
        request = a_call(to=next(wanted))
        [ruled] = rule(request, context.ask(request))
        made.append(dict(ruled.args))
        return Message("sent")

    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(staged_flow(["Scripted"]))
    workplace.to_suspension(job_id)
    workplace.answer(job_id, open_in(workplace, job_id)[0], APPROVE)
    workplace.to_suspension(job_id, times=2)
    assert made == []
    workplace.answer(job_id, open_in(workplace, job_id)[0], APPROVE)
    workplace.to_end(job_id)
    assert made == [{"to": "b"}]


def test_an_answer_is_taken_up_while_another_branch_runs(workplace: Workplace, stage: Stage) -> None:
    """The job is not suspended for it, and the branch goes on at once."""
    gate = Gate()
    chosen = Gate()

    async def act(context: VertexContext) -> Message | None:
        context.ask(a_choice("Go on?"))
        chosen.open()
        return None

    stage.acts["Scripted-1"], stage.acts["Scripted-2"] = act, gate
    job_id = workplace.submit(forked_flow(2))
    assert gate.began.wait(10)
    eventually(lambda: bool(open_in(workplace, job_id)))
    workplace.answer(job_id, open_in(workplace, job_id)[0], APPROVE)
    eventually(lambda: stage.built.count("Scripted-1") == 2)
    assert workplace.job(job_id).status is Status.IN_PROGRESS
    gate.open()
    workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED


@pytest.mark.parametrize(("has_fallback", "outputs"), [(True, ["ChatOutput-late"]), (False, [])])
def test_nobody_answers_in_time(workplace: Workplace, has_fallback: bool, outputs: list[str]) -> None:
    """The fallback is taken, or no branch, without anybody's help; it was brought to mind before."""
    flow = approval_flow(enable_fallback=has_fallback, timeout={"value": 0.05, "unit": "Minutes"})
    job_id = workplace.submit(flow)
    log = workplace.to_end(job_id)
    told = [entry.type for entry in log if entry.type.startswith("human_input")]
    assert told == ["human_input_required", "human_input_reminder", "human_input_expired"]
    assert workplace.job(job_id).status is Status.COMPLETED
    assert list(outputs_of(workplace.store.database, job_id)) == outputs


def test_a_run_that_waits_longer_than_the_server_allows_fails(store: Store) -> None:
    with working(store, replace(QUICK, input_seconds=0.2)) as workplace:
        job_id = workplace.submit(approval_flow())
        last = orjson.loads(workplace.to_end(job_id)[-1].payload)
        assert (last["type"], workplace.job(job_id).status) == ("input_timed_out", Status.FAILED)
        assert [found.state for found in requests_of(store.database, job_id)] == [RequestState.WITHDRAWN]


def test_a_paused_job_stands_still_at_the_end_of_a_vertex(workplace: Workplace, stage: Stage) -> None:
    """And goes on from there when it is resumed."""
    gate = stage.acts["Scripted-1"] = Gate()
    job_id = workplace.submit(staged_flow(["Scripted", "Scripted"]))
    assert gate.began.wait(10)
    pause(workplace.store.log, job_id, workplace.user_id)
    gate.open()
    eventually(lambda: workplace.job(job_id).status is Status.SUSPENDED)
    assert stage.built == ["Scripted-1"]
    workplace.wake(resume(workplace.store.log, job_id, workplace.user_id))
    workplace.to_end(job_id)
    assert stage.built == ["Scripted-1", "Scripted-2"]


def test_a_job_that_was_let_go_on_in_time_does_not_wait_for_an_answer(workplace: Workplace, stage: Stage) -> None:
    """What was held back for a pause runs, though another branch waits for a person."""
    gate = Gate()

    async def ask(context: VertexContext) -> Message | None:
        context.ask(a_choice("Go on?"))
        return None

    stage.acts["Scripted-1"], stage.acts["Scripted-2"] = ask, gate
    job_id = workplace.submit(forked_flow(2))
    assert gate.began.wait(10)
    eventually(lambda: bool(open_in(workplace, job_id)))
    pause(workplace.store.log, job_id, workplace.user_id)
    workplace.wake(resume(workplace.store.log, job_id, workplace.user_id))
    gate.open()
    workplace.to_suspension(job_id)
    assert list(outputs_of(workplace.store.database, job_id)) == ["ChatOutput-2"]


def test_a_job_that_is_paused_before_its_first_pass_waits(workplace: Workplace, stage: Stage) -> None:
    job_id = workplace.submit(staged_flow(["Scripted"]), hinted=False)
    assert pause(workplace.store.log, job_id, workplace.user_id) in (Status.SUSPENDED, Status.IN_PROGRESS)
    eventually(lambda: workplace.job(job_id).status is Status.SUSPENDED)
    workplace.wake(resume(workplace.store.log, job_id, workplace.user_id))
    workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED
