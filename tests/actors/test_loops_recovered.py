"""A loop goes on at the item at which a lost process left it (I6)."""

from collections.abc import Callable
from contextlib import closing

import orjson

from flows.context import VertexContext
from flows.human import Decision
from flows.values import Message
from storage.human_requests import requests_of
from storage.jobs import outputs_of
from storage.restoring import legacy_of
from storage.states import Status
from storage.store import Store
from tests.actors.stage import Dies, Stage
from tests.actors.workplace import PATIENCE, Workplace, working
from tests.flows.asking import QUESTION
from tests.making import edge, flow, loop_edge, node
from tests.shapes import PLAIN, TEXT, Exported, Shape
from tests.storage.situations import let_lease_expire

SPLIT = Shape(
    "Split Text",
    {
        "data_inputs": {"type": "other", "value": "", "input_types": ["Message"]},
        "separator": TEXT | {"value": "|"},
        "chunk_size": {"type": "int", "value": 1},
        "chunk_overlap": {"type": "int", "value": 0},
    },
    {"dataframe": ["Table"]},
)
STEPS = {
    kind: Shape(
        kind, {"input_value": PLAIN | {"type": "other", "input_types": ["Data", "Message"]}}, {"text": ["Message"]}
    )
    for kind in ("Scripted", "ScriptedOnce")
}


def looping(kind: str = "Scripted") -> Exported:
    """TextInput, with three texts → SplitText → Loop, whose body is two scripted vertices, → ChatOutput."""
    told = node("TextInput", "told", input_value="a|b|c")
    split, loop = node("SplitText", "split", shape=SPLIT), node("LoopComponent", "loop")
    first, second = node("Scripted", "first", shape=STEPS["Scripted"]), node(kind, "second", shape=STEPS[kind])
    shown = node("ChatOutput", "shown")
    edges = [
        edge(told, "text", split, "data_inputs"),
        edge(split, "dataframe", loop, "data"),
        edge(loop, "item", first, "input_value"),
        edge(first, "text", second, "input_value"),
        loop_edge(second, "text", loop, "item"),
        edge(loop, "done", shown, "input_value"),
    ]
    return flow([told, split, loop, first, second, shown], edges)


class DiesAt(Dies):
    """Dies at one visit only."""

    def __init__(self, visit: int) -> None:
        super().__init__()
        self._visit = visit

    async def __call__(self, context: VertexContext) -> Message | None:  # type: ignore[override]
        if context.visit != self._visit:
            return None
        return await super().__call__(context)  # type: ignore[func-returns-value]


def finished(workplace: Workplace, job_id: str) -> list[tuple[str, int]]:
    results = legacy_of(workplace.store.database, job_id).finished
    return [(result.vertex_id, result.visit) for result in results]


WHOLE = [
    ("told", 1), ("split", 1),
    ("loop", 1), ("first", 1), ("second", 1),
    ("loop", 2), ("first", 2), ("second", 2),
    ("loop", 3), ("first", 3), ("second", 3),
    ("loop", 4), ("shown", 1),
]  # fmt: skip


def test_a_loop_goes_on_at_its_item(opening: Callable[[], Store], stage: Stage) -> None:
    """In another process. No visit that is finished runs again, and each has its own key."""
    dies = stage.acts["second"] = DiesAt(2)
    with closing(opening()) as one, closing(opening()) as another:
        with working(one) as workplace:
            job_id = workplace.submit(looping())
            assert dies.died.acquire(timeout=PATIENCE)
        let_lease_expire(another.database, job_id)
        with working(another) as workplace:
            entries = workplace.to_end(job_id)
            assert workplace.job(job_id).status is Status.COMPLETED
            assert finished(workplace, job_id) == WHOLE
            shown = outputs_of(another.database, job_id)["shown"]["content"]
    assert shown.splitlines()[2:] == ["| a |", "| b |", "| c |"]
    assert stage.built == ["first", "second", "first", "second", "second", "first", "second"]
    keys = [f"{job_id}:{vertex}:{visit}" for visit in (1, 2, 3) for vertex in ("first", "second")]
    assert stage.keys == [*keys[:4], keys[3], *keys[4:]]
    [recovered] = [orjson.loads(entry.payload)["data"] for entry in entries if entry.type == "run_recovered"]
    assert recovered["vertices"] == ["second"]


def test_of_what_must_not_happen_twice_the_visit_is_asked_about(opening: Callable[[], Store], stage: Stage) -> None:
    """Rule 6: of the one that was cut off, not of those before it."""
    dies = stage.acts["second"] = DiesAt(2)
    with closing(opening()) as one, closing(opening()) as another:
        with working(one) as workplace:
            job_id = workplace.submit(looping("ScriptedOnce"))
            assert dies.died.acquire(timeout=PATIENCE)
        let_lease_expire(another.database, job_id)
        with working(another) as workplace:
            workplace.to_suspension(job_id)
            [request] = requests_of(another.database, job_id)
            assert (request.vertex_id, request.visit, request.kind) == ("second", 2, "uncertain_effect")
            workplace.answer(job_id, request.id, Decision("done", {"text": "it was done"}))
            workplace.to_end(job_id)
            assert finished(workplace, job_id) == WHOLE
            shown = outputs_of(another.database, job_id)["shown"]["content"]
    assert shown.splitlines()[2:] == ["| a |", "| it was done |", "| c |"]
    assert stage.built.count("second") == 3


def test_a_person_is_asked_for_each_item(workplace: Workplace, stage: Stage) -> None:
    """The job is suspended in between, and each answer goes to the item that it was asked for."""

    async def ask(context: VertexContext) -> Message:
        return Message(f"{context.ask(QUESTION).action_id} {context.visit}")

    stage.acts["second"] = ask
    job_id = workplace.submit(looping())
    for times, action in enumerate(("approve", "reject", "approve"), 1):
        workplace.to_suspension(job_id, times)
        request = requests_of(workplace.store.database, job_id)[-1]
        assert (request.vertex_id, request.visit) == ("second", times)
        workplace.answer(job_id, request.id, Decision(action))
    workplace.to_end(job_id)
    shown = outputs_of(workplace.store.database, job_id)["shown"]["content"]
    assert shown.splitlines()[2:] == ["| approve 1 |", "| reject 2 |", "| approve 3 |"]
    assert finished(workplace, job_id) == WHOLE
