"""flows/dialogue.py: which decision answers which request."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.dialogue import Asked, Dialogue, Dialogues
from flows.human import Decision, HumanRequest, NeedsDecision, RequestKind
from tests.flows.asking import APPROVE, QUESTION
from tests.flows.running import JOB_ID

OTHER = replace(QUESTION, prompt="And this?")
REJECT = Decision("reject")


def asked(request_id: str, decision: Decision | None = None, *, vertex: str = "v", **given: object) -> Asked:
    one = Asked(request_id, vertex, 1, QUESTION.kind, QUESTION.digest, decision)
    return replace(one, **given)  # type: ignore[arg-type]


def answers(dialogue: Dialogue, requests: Sequence[HumanRequest]) -> list[str | None]:
    """The actions that were decided on requests, up to the first that is still to be asked."""
    found = []
    for request in requests:
        try:
            found.append(dialogue.decision_on(request).action_id)
        except NeedsDecision:
            return [*found, "?"]
    return found


def test_what_nobody_has_decided_is_asked_as_it_stands() -> None:
    with pytest.raises(NeedsDecision) as needed:
        Dialogue([asked("r1")]).decision_on(OTHER)
    assert needed.value.request == OTHER


def test_what_nobody_has_decided_is_to_be_asked() -> None:
    assert answers(Dialogue([]), [QUESTION]) == ["?"]
    assert answers(Dialogue([asked("r1")]), [QUESTION]) == ["?"]


def test_a_decision_answers_the_request_that_is_exactly_what_was_asked() -> None:
    dialogue = [asked("r1", APPROVE), asked("r2", REJECT, digest=OTHER.digest)]
    assert answers(Dialogue(dialogue), [OTHER, QUESTION]) == ["reject", "approve"]


def test_a_decision_answers_no_request_that_differs() -> None:
    assert answers(Dialogue([asked("r1", APPROVE)]), [OTHER]) == ["?"]


@given(st.lists(st.sampled_from(["approve", "reject"]), max_size=4), st.integers(0, 6))
def test_of_requests_that_are_alike_each_takes_a_decision_of_its_own(actions: list[str], count: int) -> None:
    """B7: in the order in which they were decided, and no decision twice."""
    dialogue = Dialogue([asked(f"r{number}", Decision(action)) for number, action in enumerate(actions)])
    expected = actions[:count] if count <= len(actions) else [*actions, "?"]
    assert answers(dialogue, [QUESTION] * count) == expected


def test_a_vertex_waits_while_any_of_its_requests_is_open() -> None:
    dialogues = Dialogues([asked("r1", APPROVE), asked("r2"), asked("r3", APPROVE, vertex="w")])
    assert (dialogues.is_open("v"), dialogues.is_open("w"), dialogues.open) == (True, False, ["r2"])
    dialogues.update([asked("r2", REJECT)])
    assert (dialogues.is_open("v"), dialogues.open) == (False, [])


def test_the_requests_of_a_vertex_stand_in_the_order_in_which_they_were_asked() -> None:
    """However they are taken over later."""
    dialogues = Dialogues([asked("r1"), asked("w1", vertex="w"), asked("r2"), asked("r3", visit=2)])
    dialogues.update([asked("r2", REJECT), asked("r1", APPROVE)])
    assert [one.request_id for one in dialogues.of("v", 1)] == ["r1", "r2"]


def test_what_a_vertex_has_not_gone_on_from_is_decided_and_not_applied() -> None:
    dialogues = Dialogues([asked("r1", APPROVE), asked("r2"), asked("r3", REJECT), asked("w1", APPROVE, vertex="w")])
    assert (dialogues.unapplied_of("v"), dialogues.unapplied_of("w"), dialogues.unapplied) == (["r1", "r3"], ["w1"], 3)
    dialogues.apply(["r1", "w1"])
    assert (dialogues.unapplied_of("v"), dialogues.unapplied_of("w"), dialogues.unapplied) == (["r3"], [], 1)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (asked("r", Decision("retry"), kind=RequestKind.UNCERTAIN_EFFECT), Decision("retry")),
        (asked("r", Decision("retry"), kind=RequestKind.UNCERTAIN_EFFECT, is_applied=True), None),
        (asked("r", kind=RequestKind.UNCERTAIN_EFFECT), None),
        (asked("r", APPROVE), None),
        (asked("r", Decision("retry"), kind=RequestKind.UNCERTAIN_EFFECT, vertex="w"), None),
        (asked("r", Decision("retry"), kind=RequestKind.UNCERTAIN_EFFECT, digest=OTHER.digest), None),
    ],
    ids=["told", "gone on from", "open", "of another kind", "of another vertex", "of a call"],
)
def test_only_what_was_told_of_its_effect_and_not_used_yet_settles_a_vertex(one: Asked, told: Decision | None) -> None:
    assert Dialogues([one]).told_of_effect("v", lambda: QUESTION) == told


def test_the_first_request_of_a_vertex_is_called_as_in_the_contract() -> None:
    """Contract 4.2."""
    dialogues = Dialogues([asked("w1", vertex="w")])
    assert dialogues.next_id("v", JOB_ID, QUESTION) == f"v:{JOB_ID}"


@given(st.lists(st.sampled_from([QUESTION, OTHER, replace(QUESTION, kind=RequestKind.TOOL_APPROVAL)]), max_size=6))
def test_no_two_requests_of_a_vertex_have_one_id(requests: list[HumanRequest]) -> None:
    """B4: whether they are alike or not."""
    dialogues = Dialogues()
    ids: list[str] = []
    for request in requests:
        ids.append(dialogues.next_id("v", JOB_ID, request))
        dialogues.update([asked(ids[-1], APPROVE)])
    assert len(set(ids)) == len(requests)
    assert all(id.startswith(f"v:{JOB_ID}") for id in ids)
