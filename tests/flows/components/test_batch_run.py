"""BatchRunComponent: one question about every row of a table, a few at a time."""

import asyncio
import tomllib
from collections.abc import Callable
from dataclasses import replace
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

import flows.components
from flows.budget import Budget
from flows.components.batch_run import AT_ONCE, BatchRun
from flows.errors import VertexFailed
from flows.events import EventType
from flows.graph import Graph, load_graph
from flows.human import RequestKind
from flows.limits import Limits
from flows.models.defaults import ModelDefaults
from flows.registry import Registry, discover
from flows.values import Data, Json, Message, Table
from tests.flows.components.producing import produce
from tests.flows.components.replying import Replying
from tests.flows.running import JOB_ID, RecordingJournal, build, tools
from tests.flows.shared import from_palette
from tests.flows.steps import StepFields, step, step_type
from tests.making import edge, flow
from tests.model_stub import ModelRequest
from tests.model_wires import INPUT_TOKENS
from tests.shapes import Exported

NEWS = Table(("title", "summary"), (("A", "one"), ("B", "two"), ("C", "three")))
PATIENCE = 10.0


def shout(request: ModelRequest) -> str:
    return str(request.said("user")).upper()


def exported(**values: Any) -> Exported:
    return from_palette("BatchRunComponent.json", column_name=values.pop("column_name", "summary"), **values)


def batch(table: Any, reply: Callable[[ModelRequest], str] = shout, **values: Any) -> Table:
    with Replying(reply) as stub:
        journal = produce(exported(**values), borrowed=tools(defaults=stub.defaults), df=table)
    found = journal.outputs("only")["batch_results"]
    assert isinstance(found, Table)
    return found


def numbered(rows: int) -> Table:
    return Table(("summary",), tuple((f"row {number}",) for number in range(rows)))


def graph_of(table: Table) -> Graph:
    """A table that comes to the component."""

    async def bring(inputs: StepFields, context: Any) -> Any:
        return {"left": table}

    source, asks = step("df"), exported()
    registry = Registry([*discover(flows.components), step_type(bring)])
    return load_graph(flow([source, asks], [edge(source, "left", asks, "df")]), registry, Limits())


def one_pass(table: Table, stub: Replying, journal: RecordingJournal, budget: Budget | None = None) -> None:
    borrowed = replace(tools(defaults=stub.defaults), budget=budget or Budget())
    asyncio.run(build(graph_of(table), journal, borrowed=borrowed))


def test_every_row_gets_an_answer_and_keeps_its_place() -> None:
    assert batch(NEWS, output_column_name="brief") == Table(
        ("title", "summary", "brief", "batch_index"),
        (("A", "one", "ONE", 0), ("B", "two", "TWO", 1), ("C", "three", "THREE", 2)),
    )


def test_the_metadata_says_what_was_asked_and_answered_at_what_length() -> None:
    [first, *_] = batch(NEWS, lambda request: "x" * 9, enable_metadata=True, system_message="Be brief.").records()
    assert first["metadata"] == {
        "has_system_message": True,
        "input_length": 3,
        "response_length": 9,
        "processing_status": "success",
    }


def test_the_model_is_told_the_same_for_every_row_and_asked_the_text_of_its_cell() -> None:
    """Any cell as its text; each row under a key of its own, the same for every try (rule 6)."""
    with Replying(shout) as stub:
        table = Table(("summary",), (("one",), (2,), ({"n": 3},), (None,)))
        values = {"system_message": "Be brief."}
        produce(exported(**values), borrowed=tools(defaults=stub.defaults), df=table)
        asked = {request.said("user"): request for request in stub.requests}
    assert {request.said("system") for request in asked.values()} == {"Be brief."}
    keys = {text: request.headers["idempotency-key"] for text, request in asked.items()}
    assert keys == {text: f"{JOB_ID}:only:1:{place}" for place, text in enumerate(["one", "2", '{"n":3}', ""])}


def test_without_a_column_the_whole_row_is_asked_about_in_toml() -> None:
    awkward: dict[str, Json] = {'a "key"': "one\n\x7f\ttwo \\ é", "b": 7}
    with Replying(shout) as stub:
        produce(exported(column_name=""), borrowed=tools(defaults=stub.defaults), df=Data(awkward))
        [asked] = stub.requests
    assert tomllib.loads(asked.said("user")) == {'a "key"': {"value": "one\n\x7f\ttwo \\ é"}, "b": {"value": "7"}}


@pytest.mark.parametrize("given", [Message('[{"summary": "one"}]'), Data({"summary": "one"}), [{"summary": "one"}]])
def test_rows_come_in_any_form(given: Any) -> None:
    assert batch(given).records() == [{"summary": "one", "model_response": "ONE", "batch_index": 0}]


def test_an_empty_table_asks_nothing() -> None:
    """Not even for a model."""
    journal = produce(exported(), borrowed=tools(defaults=ModelDefaults()), df=Table(("summary",)))
    assert journal.outputs("only")["batch_results"] == Table(("summary", "model_response", "batch_index"))


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(VertexFailed, match="the table has no column 'text'; it has 'title', 'summary'"):
        batch(NEWS, column_name="text")


def test_rows_are_asked_about_side_by_side_but_not_all_at_once() -> None:
    """As many as are allowed meet in the endpoint, and never one more."""
    together, one_more = Barrier(AT_ONCE), Barrier(AT_ONCE + 1)

    def meet(request: ModelRequest) -> str:
        together.wait(PATIENCE)
        with pytest.raises(BrokenBarrierError):
            one_more.wait(0.05)
        return "met"

    assert [row["model_response"] for row in batch(numbered(AT_ONCE * 2), meet).records()] == ["met"] * AT_ONCE * 2


def test_a_row_that_fails_fails_the_vertex_with_its_number() -> None:
    def fail(request: ModelRequest) -> str:
        if request.said("user") == "two":
            raise ConnectionResetError
        return "x"

    with pytest.raises(VertexFailed, match=r"row 2 of 3: The model 'stub-model' at .* failed"):
        batch(NEWS, fail)


def test_too_many_rows_are_refused_before_the_first_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr("flows.components.batch_run.MAX_ROWS", 2)
    with pytest.raises(VertexFailed, match="the table has 3 rows, and a batch 2 at most"):
        batch(NEWS)


def test_answers_that_are_too_long_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr("flows.components.batch_run.MAX_TEXT", 10)
    with pytest.raises(VertexFailed, match="the answers grow beyond 10 characters together"):
        batch(NEWS, lambda request: "four")


def test_after_a_crash_only_the_rows_without_an_answer_are_asked_about() -> None:
    journal, table = RecordingJournal(), numbered(AT_ONCE * 2)
    last = f"row {AT_ONCE * 2 - 1}"

    def crash(request: ModelRequest) -> str:
        if request.said("user") == last:
            raise ConnectionResetError
        return shout(request)

    with Replying(crash) as stub, pytest.raises(VertexFailed):
        one_pass(table, stub, journal)
    kept = {checkpoint.name for checkpoint in journal.kept}
    assert len(kept) >= AT_ONCE
    with Replying(shout) as stub:
        one_pass(table, stub, journal)
    assert {f"row {request.said('user').removeprefix('row ')}" for request in stub.requests} == {
        f"row {place}" for place in range(AT_ONCE * 2)
    } - kept
    found = journal.outputs("only")["batch_results"]
    assert isinstance(found, Table)
    assert [row["model_response"] for row in found.records()] == [f"ROW {place}" for place in range(AT_ONCE * 2)]


def test_when_the_tokens_are_used_up_a_person_is_asked_and_no_answer_is_lost() -> None:
    """What was under way comes to its end first."""
    journal, price = RecordingJournal(), INPUT_TOKENS + 1
    with Replying(shout) as stub:
        one_pass(numbered(AT_ONCE * 3), stub, journal, Budget(0, price * AT_ONCE))
    assert [asked.kind for asked in journal.asked] == [RequestKind.BUDGET]
    assert "only" not in journal.finished
    assert len(stub.requests) == len(journal.kept) < AT_ONCE * 3
    assert journal.spent == price * len(journal.kept) >= price * AT_ONCE


def test_whoever_watches_is_told_how_far_it_is() -> None:
    with Replying(shout) as stub:
        journal = produce(exported(), borrowed=tools(defaults=stub.defaults), df=NEWS)
    told = [event.data["message"] for event in journal.of_type(EventType.LOG)]
    assert told == ["1/3 rows", "2/3 rows", "3/3 rows"]


def test_its_ports_are_the_editors() -> None:
    [described] = exported()["data"]["node"]["outputs"]
    assert {described["name"]: tuple(described["types"])} == {
        name: port.types for name, port in BatchRun.outputs.items()
    }
