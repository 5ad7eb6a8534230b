"""LoopComponent: what becomes its items, and what becomes of what comes back."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flows.components import loop
from flows.components.loop import gathered
from flows.errors import VertexFailed
from flows.graph import Graph
from flows.values import Data, Message, Table, Value
from tests.flows.components.producing import produce
from tests.flows.components.replying import Replying
from tests.flows.looping import ROWS, loop_graph, visits
from tests.flows.outbound.site import Site
from tests.flows.preprints import preprints
from tests.flows.running import RecordingJournal, run, tools
from tests.flows.shared import from_palette, shared
from tests.flows.steps import StepFields
from tests.making import node
from tests.shapes import Exported

GIVEN: dict[str, tuple[Any, list[Any]]] = {
    "a table": (ROWS, [Data({"n": 1}), Data({"n": 2}), Data({"n": 3})]),
    "an empty table": (Table(("n",)), []),
    "a record": (Data({"n": 1}, "n"), [Data({"n": 1}, "n")]),
    "a message": (Message("one"), [Data({"text": "one"})]),
    "a list": ([{"n": 1}, "two", 3], [Data({"n": 1}), Data({"text": "two"}), Data({"text": "3"})]),
    "plain JSON": ({"n": 1}, [Data({"n": 1})]),
    "nothing": ("", []),
    "null": (None, []),
}


@pytest.mark.parametrize("case", GIVEN)
@pytest.mark.parametrize("palette", [False, True])
def test_each_row_record_and_text_is_an_item(case: str, palette: bool) -> None:
    """An item is always a record."""
    given, items = GIVEN[case]
    exported = from_palette("LoopComponent.json", "l") if palette else node("LoopComponent", "l")
    journal = produce(exported, data=given)
    put_out = [result.outputs for result in journal.results if result.vertex_id == "l"]
    assert [outputs.get("item") for outputs in put_out] == [*items, None]
    assert put_out[-1] == {"done": Table()}


@pytest.mark.parametrize(
    ("returned", "table"),
    [
        ([], Table()),
        ([Message("a"), "b"], Table(("text",), (("a",), ("b",)))),
        ([Data({"n": 1}), {"m": 2}], Table(("n", "m"), ((1, None), (None, 2)))),
        ([ROWS, Data({"n": 4})], Table(("n",), ((1,), (2,), (3,), (4,)))),
        ([[{"n": 1}, {"n": 2}], 3], Table(("n", "text"), ((1, None), (2, None), (None, "3")))),
    ],
)
def test_what_came_back_is_a_table_of_records_and_texts(returned: list[Value], table: Table) -> None:
    assert gathered(returned) == table


def test_what_is_nothing_to_go_through_fails_the_vertex() -> None:
    with pytest.raises(VertexFailed, match="items come in a Table, a Data, a Message or a list, not in int"):
        produce(node("LoopComponent", "l"), data=7)


def test_a_loop_has_so_many_items_at_most() -> None:
    """I10. None of them is given when there are more."""
    assert len(produce(node("LoopComponent", "l"), data=["x"] * loop.MAX_ITEMS).results) == loop.MAX_ITEMS + 2
    with pytest.raises(VertexFailed, match="it is given 1001 items; at most 1000 are allowed"):
        produce(node("LoopComponent", "l"), data=["x"] * (loop.MAX_ITEMS + 1))


def test_a_loop_within_a_loop_is_visited_so_often_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all items of the other (I10)."""

    async def work(inputs: StepFields, context: object) -> dict[str, Value]:
        return {"left": ["x"] * 3}

    monkeypatch.setattr(loop, "MAX_VISITS", 10)
    graph = loop_graph("src > outer.data", "outer.item > a", "a > inner.data", work=work, loops=["outer", "inner"])
    with pytest.raises(VertexFailed, match=r"at item 3 of Loop \(outer\): it was visited 10 times"):
        run(graph)


@pytest.fixture
def arxiv() -> Iterator[Site]:
    with Site({"/api/query": preprints(["Gates", "Weirs", "Dams"])}) as site:
        yield site


def test_the_starter_project_translates_each_paper(load: Callable[[Exported], Graph], arxiv: Site) -> None:
    """ChatInput → arXiv → Loop, whose body is Parser → model, → ChatOutput."""
    project = json.loads(shared("starter_flows", "research_translation_loop.json").read_text())
    with Replying(lambda request: f"translated {request.said('user').splitlines()[0]}") as models:
        borrowed = tools(defaults=models.defaults, arxiv_endpoint=arxiv.url("/api/query"))
        journal: RecordingJournal = run(load(project["data"]), borrowed=borrowed)
    answer = journal.messages[-1].message.text
    assert [line for line in answer.splitlines() if "translated" in line] == [
        f"| translated Title: {title} |" for title in ("Gates", "Weirs", "Dams")
    ]
    assert visits(journal, "LanguageModelComponent-ps5yd") == [1, 2, 3]
