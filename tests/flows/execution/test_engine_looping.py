"""flows/execution/engine.py: loops, whose bodies are visited for each item."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.errors import VertexFailed, VertexTimedOut
from flows.events import EventType
from flows.execution.engine import Engine, Pace, Progress
from flows.graph import Graph
from flows.human import Decision
from flows.partial import select
from flows.values import Data, Message, Table, Value
from tests.flows.asking import QUESTION, Interview
from tests.flows.looping import ROWS, go_round, loop_graph, read, visits
from tests.flows.running import RecordingJournal, request, tools
from tests.flows.steps import PATIENCE, StepFields

FOREACH = ("src > loop.data", "loop.item > a", "const > a.y", "a > b", "b > loop.item", "loop.done > end")


async def tell(inputs: StepFields, context: VertexContext) -> Outputs:
    """The first step gives rows, each other one says its id and what it was given."""
    if context.vertex_id == "src":
        return {"left": ROWS, "right": Table(("n",))}
    text = f"{context.vertex_id}({read(inputs)})"
    return {"left": Message(text), "right": [{"n": 10}, {"n": 20}]}


def done(journal: RecordingJournal, loop: str = "loop") -> list[Table]:
    """What a loop has put out as `done`."""
    tables = [
        result.outputs["done"] for result in journal.results if result.vertex_id == loop and "done" in result.outputs
    ]
    return [table for table in tables if isinstance(table, Table)]


def column(journal: RecordingJournal) -> list[object]:
    """The one column of what a loop has put out."""
    [table] = done(journal)
    return [cell for [cell] in table.rows]


def test_the_body_is_visited_for_each_item_and_done_has_what_came_back() -> None:
    """What comes from outside of the loop is there each time."""
    journal = go_round(loop_graph(*FOREACH, work=tell))
    assert done(journal) == [Table(("text",), (("b(a(1+const()))",), ("b(a(2+const()))",), ("b(a(3+const()))",)))]
    assert {id: visits(journal, id) for id in ("const", "loop", "a", "b", "end")} == {
        "const": [1],
        "loop": [1, 2, 3, 4],
        "a": [1, 2, 3],
        "b": [1, 2, 3],
        "end": [1],
    }
    order = [result.vertex_id for result in journal.results if result.vertex_id in ("loop", "a", "b", "end")]
    assert order == ["loop", "a", "b"] * 3 + ["loop", "end"]


def test_each_visit_ends_with_an_event_that_tells_what_follows() -> None:
    journal = go_round(loop_graph(*FOREACH, work=tell))
    ends = [event.data["build_data"] for event in journal.of_type(EventType.END_VERTEX)]
    follows = [end["next_vertices_ids"] for end in ends if end["id"] in ("loop", "b")]
    assert follows == [["a"], ["loop"]] * 3 + [["end"]]


@pytest.mark.parametrize("source", ["src.right > loop.data", "src > a"])
def test_a_loop_without_items_is_done_at_once_and_skips_its_body(source: str) -> None:
    """Whether it is given an empty table or nothing at all."""
    graph = loop_graph(source, "loop.item > b", "src > b.y", "b > c", "c > loop.item", "loop.done > end", work=tell)
    journal = go_round(graph)
    assert done(journal) == [Table()]
    [end] = [event.data["build_data"] for event in journal.of_type(EventType.END_VERTEX)
             if event.data["build_data"]["id"] == "loop"]  # fmt: skip
    assert (end["inactivated_vertices"], end["next_vertices_ids"]) == (["b", "c"], ["end"])


def test_a_loop_that_is_skipped_takes_its_body_with_it() -> None:
    """Also what outside would feed, and what is behind `done`."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        return {"left": Message(context.vertex_id)}

    graph = loop_graph(
        "r.right > loop.data", "r.left > a.y", "loop.item > a", "a > loop.item", "loop.done > end", "r.left > other",
        work=work,
    )  # fmt: skip
    journal = go_round(graph)
    assert journal.finished == ["r", "other"]
    [told, _] = [event.data["build_data"] for event in journal.of_type(EventType.END_VERTEX)]
    assert told["inactivated_vertices"] == ["loop", "a", "end"]


@pytest.mark.parametrize("taken", ["left", "right"])
def test_a_merge_in_a_body_runs_whichever_branch_before_the_loop_was_taken(taken: str) -> None:
    """As a merge outside of a loop does; where the loop is on the branch that was not taken, nothing of it runs."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "r":
            return {taken: Message("one")}
        return await tell(inputs, context)

    graph = loop_graph("r.left > loop.data", "loop.item > a", "r.right > a.y", "a > loop.item", work=work)
    assert visits(go_round(graph), "a") == ([1] if taken == "left" else [])


def test_what_an_item_has_put_out_is_over_when_the_next_one_begins() -> None:
    """So a pass that goes on tells what is still to run."""
    graph = loop_graph(*FOREACH, work=tell)
    results = go_round(graph).results
    at = next(at for at, result in enumerate(results) if (result.vertex_id, result.visit) == ("loop", 2))
    engine = Engine(graph, request(), tools(), RecordingJournal(), Pace())
    assert engine.restore(results[:at]) == ["loop"]
    assert engine.unfinished == ["loop", "end"]
    engine = Engine(graph, request(), tools(), RecordingJournal(), Pace())
    assert engine.restore(results[: at + 1]) == ["a"]
    assert engine.unfinished == ["a", "b", "end"]


def test_an_item_that_takes_a_branch_that_does_not_lead_back_gives_nothing() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "router":
            return {"left" if read(inputs) == "2" else "right": Message(read(inputs))}
        return await tell(inputs, context)

    graph = loop_graph(
        "src > loop.data", "loop.item > router", "router > a", "a > loop.item", "router.right > b", work=work
    )
    journal = go_round(graph)
    assert column(journal) == ["a(2)"]
    assert (visits(journal, "router"), visits(journal, "a"), visits(journal, "b")) == ([1, 2, 3], [2], [1, 3])


def test_whatever_leads_back_is_gathered_in_the_order_of_the_definition() -> None:
    """Records and lists of them become rows as well."""
    graph = loop_graph("src > loop.data", "loop.item > a", "a.right > loop.item", "a.left > loop.item", work=tell)
    [table] = done(go_round(graph))
    assert table.columns == ("n", "text")
    assert table.rows[:3] == ((10, None), (20, None), (None, "a(1)"))


def test_an_iteration_is_over_when_everything_in_the_body_is() -> None:
    """Not as soon as something came back."""
    order, came_back = list[str](), asyncio.Event()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "slow":
            await came_back.wait()
            for _ in range(100):  # Whatever could start by now has every chance to.
                await asyncio.sleep(0)
        order.append(f"{context.vertex_id}{context.visit}")
        (came_back.set if context.vertex_id == "quick" else came_back.clear)()
        return await tell(inputs, context)

    go_round(loop_graph("src > loop.data", "loop.item > quick", "quick > loop.item", "loop.item > slow", work=work))
    assert order == ["src1", "quick1", "slow1", "quick2", "slow2", "quick3", "slow3"]


NESTED = (
    "src > outer.data", "outer.item > a", "a.right > inner.data", "inner.item > b", "outer.item > b.y",
    "b > inner.item", "inner.done > c", "c > outer.item", "outer.done > end",
)  # fmt: skip


def nested(source: Value = ROWS) -> Graph:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "src":
            return {"left": source}
        if context.vertex_id == "c":
            return {"left": Data({"of": [row["text"] for row in inputs.x.records()]})}
        return await tell(inputs, context)

    return loop_graph(*NESTED, work=work, loops=["outer", "inner"])


def test_a_loop_within_a_loop_goes_through_its_items_for_each_of_the_other() -> None:
    journal = go_round(nested())
    [table] = done(journal, "outer")
    assert table.rows == tuple(([f"b(10+{n})", f"b(20+{n})"],) for n in (1, 2, 3))
    assert visits(journal, "inner") == list(range(1, 10))
    assert visits(journal, "b") == list(range(1, 7))
    assert visits(journal, "c") == [1, 2, 3]


def test_a_visit_has_its_own_key_message_and_steps() -> None:
    told: dict[str, set[str]] = {"keys": set(), "messages": set(), "of the next": set()}

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "a":
            assert context.kept("step") is None
            context.keep("step", context.visit)
            told["keys"].add(context.idempotency_key)
            told["messages"].add(context.message_id())
            told["of the next"].add(context.message_id("b"))
        if context.vertex_id == "b":
            assert context.message_id() in told["of the next"]
        return await tell(inputs, context)

    journal = go_round(loop_graph(*FOREACH, work=work))
    assert {name: len(found) for name, found in told.items()} == dict.fromkeys(told, 3)
    assert [(one.visit, one.content) for one in journal.kept] == [(1, 1), (2, 2), (3, 3)]


def test_a_person_is_asked_for_each_item_and_the_loop_goes_on_in_another_pass() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id != "a":
            return await tell(inputs, context)
        return {"left": Message(f"{read(inputs)} {context.ask(QUESTION).action_id}")}

    journal, graph = Interview(), loop_graph("src > loop.data", "loop.item > a", "a > loop.item", work=work)
    for decision in ("approve", "reject", "approve"):
        assert journal.go_through(graph) is Progress.WAITING
        journal.answer("a", Decision(decision))
    assert journal.go_through(graph) is Progress.DONE
    assert [asked.visit for asked in journal.requests] == [1, 2, 3]
    assert column(journal) == ["1 approve", "2 reject", "3 approve"]
    assert visits(journal, "a") == [1, 2, 3]


def test_an_answer_goes_to_the_visit_that_asked_while_the_run_is_under_way() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "a":
            context.ask(QUESTION)
        return await tell(inputs, context)

    async def through(journal: Interview) -> Progress:
        engine = journal.engine(loop_graph("src > loop.data", "loop.item > a", "a > loop.item", work=work))
        progress = await engine.run(engine.restore())
        for _ in ROWS.rows:
            assert progress is Progress.WAITING
            progress = await engine.run(engine.revisit(journal.answer("a")))
        return progress

    journal = Interview()
    assert asyncio.run(asyncio.wait_for(through(journal), PATIENCE)) is Progress.DONE
    assert column(journal) == ["a(1)", "a(2)", "a(3)"]


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda work: loop_graph(*FOREACH, work=work), "at item 2 of Loop (loop): no"),
        (
            lambda work: loop_graph(*NESTED, work=work, loops=["outer", "inner"]),
            "at item 2 of Loop (inner), item 1 of Loop (outer): no",
        ),
    ],
)
def test_a_body_that_fails_fails_the_run_and_names_the_item(make: object, place: str) -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "b" and context.visit == 2:
            raise ValueError("no")
        return await tell(inputs, context)

    journal = RecordingJournal()
    with pytest.raises(VertexFailed) as caught:
        go_round(make(work), journal)  # type: ignore[operator]
    assert (caught.value.vertex_id, caught.value.reason) == ("b", place)
    assert visits(journal, "b") == [1]


def test_a_body_that_takes_too_long_names_the_item() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "b" and context.visit == 2:
            await asyncio.sleep(PATIENCE)
        return await tell(inputs, context)

    graph = loop_graph(*FOREACH, work=work)
    engine = Engine(graph, request(), tools(), RecordingJournal(), Pace(vertex_seconds=0.05))
    with pytest.raises(VertexTimedOut, match=r"Step \(b\), at item 2 of Loop \(loop\), took longer than 0\.05 s"):
        asyncio.run(asyncio.wait_for(engine.run(engine.restore()), PATIENCE))


def test_a_loop_that_ends_the_flow_shows_its_table_once() -> None:
    journal = go_round(loop_graph("src > loop.data", "loop.item > a", "a > loop.item", work=tell))
    [output] = journal.of_type(EventType.OUTPUT)
    assert output.data["component_id"] == "loop"
    assert output.data["content"] == [{"text": "a(1)"}, {"text": "a(2)"}, {"text": "a(3)"}]


PARTS: Mapping[str, tuple[str | None, str | None, Sequence[str]]] = {
    "up to what follows it": (None, "end", ["src", "loop", "a", "b", "end", "const"]),
    "up to the loop": (None, "loop", ["src", "loop", "a", "b", "const"]),
    "up to its body": (None, "a", ["src", "loop", "a", "b", "const"]),
    "from its data": ("src", None, ["src", "loop", "a", "b", "aside", "end", "const"]),
    "from the loop": ("loop", None, ["loop", "a", "b", "aside", "end", "const"]),
    "from its body": ("b", None, ["src", "loop", "a", "b", "aside", "end", "const"]),
    "from what follows it": ("end", None, ["end"]),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_flow_has_a_loop_as_a_whole_or_not_at_all(part: str) -> None:
    """What hangs on its body and does not lead back may be left out."""
    start, stop, kept = PARTS[part]
    graph, warnings = select(loop_graph(*FOREACH, "b > aside", work=tell), start, stop)
    assert (sorted(graph.vertices), warnings) == (sorted(kept), [])
    assert (len(visits(go_round(graph), "b")) == 3) is ("src" in kept)
