"""SQLComponent: what is asked of which database, and what is told of an answer."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from flows.databases import MAX_QUERY, DatabaseRefused, QueryFailed
from flows.errors import VertexFailed
from flows.graph import Graph
from flows.values import Message, Table
from tests.flows.components.producing import produce
from tests.flows.running import run, tools
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import FLAG, TEXT, Exported, Shape

URL = "sqlite:///gates.db"
SHAPE = Shape(
    "SQL Database",
    {
        "database_url": TEXT,
        "query": TEXT,
        "include_columns": FLAG,
        "add_error": FLAG | {"value": False},
    },
    {"run_sql_query": ["Table"]},
)
GATES = Table(("id", "name"), ((1, "north"), (2, "south")))


class Answers:
    """Databases that give prepared answers; any other query fails. `asked` are the URLs and queries."""

    def __init__(self, answers: Mapping[str, Table]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str]] = []

    async def ask(self, url: str, query: str) -> Table:
        self.asked.append((url, query))
        if query not in self._answers:
            raise QueryFailed("The query failed: no such table.")
        return self._answers[query]


@pytest.fixture
def databases() -> Answers:
    return Answers({"SELECT * FROM gates": GATES, "hello": GATES})


def sql(**fields: Any) -> Exported:
    return node("SQLComponent", "q", shape=SHAPE, **{"database_url": URL, "query": "SELECT * FROM gates", **fields})


def answer(databases: Answers, exported: Exported, **brought: Any) -> Any:
    return produce(exported, borrowed=tools(databases=databases), **brought).outputs("q")["run_sql_query"]


def test_a_query_gives_a_table(databases: Answers) -> None:
    assert answer(databases, sql(query=" SELECT * FROM gates\n")) == GATES
    assert databases.asked == [(URL, "SELECT * FROM gates")]


def test_edges_bring_query_and_database(databases: Answers) -> None:
    answer(databases, sql(query="", database_url=""), query=Message("hello"), database_url=Message("sqlite:///b.db"))
    assert databases.asked == [("sqlite:///b.db", "hello")]


def test_the_url_may_be_a_variable(databases: Answers) -> None:
    """It may hold a password."""
    exported = sql(database_url="GATES_URL")
    exported["data"]["node"]["template"]["database_url"]["load_from_db"] = True
    produce(exported, borrowed=tools({"GATES_URL": URL}, databases=databases))
    assert databases.asked == [(URL, "SELECT * FROM gates")]


def test_columns_are_numbered_when_their_names_are_not_wanted(databases: Answers) -> None:
    assert answer(databases, sql(include_columns=False)) == Table(("0", "1"), GATES.rows)


def test_a_query_that_fails_fails_the_vertex(databases: Answers) -> None:
    with pytest.raises(VertexFailed, match=r"SQL Database \(q\): The query failed: no such table\."):
        answer(databases, sql(query="SELECT 1"))


def test_a_query_that_fails_is_told_in_the_table_when_that_is_wanted(databases: Answers) -> None:
    """As an agent wants it, which tries again."""
    assert answer(databases, sql(query="SELECT 1", add_error=True)) == Table(
        ("error", "query"), (("The query failed: no such table.", "SELECT 1"),)
    )


def test_a_database_that_is_refused_fails_the_vertex_in_any_case() -> None:
    with pytest.raises(VertexFailed, match="No databases can be asked here") as caught:
        produce(sql(add_error=True))
    assert isinstance(caught.value.__cause__, DatabaseRefused)


WRONG = {
    "database_url": (" ", "no database is named. Fill in the field Database URL"),
    "query": ("", "no query is given. Fill in the field SQL Query"),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_is_missing_is_told_with_the_remedy(field: str, databases: Answers) -> None:
    value, reason = WRONG[field]
    with pytest.raises(VertexFailed, match=reason):
        answer(databases, sql(**{field: value}))
    assert databases.asked == []


def test_a_query_has_so_many_characters_at_most(databases: Answers) -> None:
    """I10."""
    with pytest.raises(VertexFailed, match=f"more than {MAX_QUERY} characters"):
        answer(databases, sql(query="x" * (MAX_QUERY + 1)))


def test_a_flow_shows_the_answer_to_its_query(load: Callable[[Exported], Graph], databases: Answers) -> None:
    """From the editor's own template: ChatInput → SQL → ChatOutput."""
    ask, query = node("ChatInput", "in"), from_palette("SQLComponent.json", database_url=URL)
    end = node("ChatOutput", "out")
    edges = [edge(ask, "message", query, "query"), edge(query, "run_sql_query", end, "input_value")]
    journal = run(load(flow([ask, query, end], edges)), borrowed=tools(databases=databases))
    assert journal.messages[-1].message.text == "| id | name |\n| --- | --- |\n| 1 | north |\n| 2 | south |"
