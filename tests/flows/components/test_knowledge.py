"""Knowledge: rows go into a base once, with what embeds them, and are found there."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest

from flows.component import Effect
from flows.components import knowledge
from flows.components.knowledge import Knowledge, KnowledgeFields
from flows.embedding import HASHED, numbers_of
from flows.errors import VertexFailed
from flows.events import EventType
from flows.knowledge import NoKnowledge
from flows.models.defaults import ModelDefaults
from flows.run import RunTools
from flows.values import Data, Message, Table
from tests.flows.components.producing import produce
from tests.flows.knowing import Shelf
from tests.flows.running import JOB_ID, NOW, RecordingJournal, tools
from tests.flows.shared import shared
from tests.making import node
from tests.model_stub import ModelStub, letters
from tests.shapes import Exported

BASE = "docs"
TEXTS = Table(("text", "file"), (("A refund takes five days.", "a.md"), ("We ship to Norway.", "b.md")))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def stub() -> Iterator[ModelStub]:
    with ModelStub() as started:
        yield started


def exported(mode: str, **values: Any) -> Exported:
    return node("Knowledge", "only", mode=mode, **{"knowledge_base": BASE, **values})


def knowing(shelf: Shelf, stub: ModelStub | None = None, **variables: str) -> RunTools:
    """A process with a shelf of bases, and the endpoint of the stub in its settings."""
    return replace(tools(variables, defaults=ModelDefaults(base_url=stub.url if stub else None)), knowledge=shelf)


def ingest(shelf: Shelf, given: Any, stub: ModelStub | None = None, **values: Any) -> RecordingJournal:
    return produce(exported("Ingest", **values), borrowed=knowing(shelf, stub), input_df=given)


def told(journal: RecordingJournal) -> dict[str, Any]:
    found = journal.outputs("only")["dataframe_output"]
    assert isinstance(found, Data)
    return dict(found.data)


def retrieve(shelf: Shelf, question: Any = "", stub: ModelStub | None = None, **values: Any) -> list[dict[str, Any]]:
    journal = produce(exported("Retrieve", **values), borrowed=knowing(shelf, stub), search_query=question)
    found = journal.outputs("only")["retrieve_data"]
    assert isinstance(found, Table)
    return found.records()


def test_what_is_ingested_is_found_by_a_question(shelf: Shelf) -> None:
    """Without any model: by the words."""
    assert told(ingest(shelf, TEXTS)) == {
        "kb_id": "id of docs",
        "kb_name": BASE,
        "rows": 2,
        "added": 2,
        "chunks": 2,
        "embedding_model": HASHED,
        "timestamp": NOW.isoformat(),
    }
    best, other = retrieve(shelf, Message("How long does a refund take?"))
    assert (best["content"], best["file"], list(best)) == (
        "A refund takes five days.",
        "a.md",
        ["content", "_score", "file", "_id"],
    )
    assert best["_score"] > other["_score"]


def test_another_try_adds_nothing_and_embeds_nothing(shelf: Shelf, stub: ModelStub) -> None:
    """Nor does the same text from another run."""
    ingest(shelf, TEXTS, stub)
    again = Table(("text",), (("We ship to Norway.",), ("New.",), ("New.",)))
    assert [told(ingest(shelf, given, stub))["added"] for given in (TEXTS, again)] == [0, 1]
    assert [request.body["input"] for request in stub.requests] == [[row[0] for row in TEXTS.rows], ["New."]]


def test_the_same_row_twice_may_be_wanted(shelf: Shelf) -> None:
    """Of another run; another try of the same one adds none again (rule 6)."""
    twice = Table(("text",), (("Same.",), ("Same.",)))
    assert [told(ingest(shelf, twice, allow_duplicates=True))["added"] for _ in range(2)] == [2, 0]
    assert [chunk.digest for chunk in shelf.chunks[BASE]] == [f"{JOB_ID}:only:1:0", f"{JOB_ID}:only:1:1"]


@pytest.mark.parametrize(
    "given",
    [Message("One."), Data({"text": "One."}), [{"text": "One."}], Table(("text",), (("One.",), (" ",), (None,)))],
)
def test_texts_come_in_any_form_and_empty_ones_are_left_out(shelf: Shelf, given: Any) -> None:
    assert told(ingest(shelf, given))["chunks"] == 1
    assert [row["content"] for row in retrieve(shelf)] == ["One."]


def test_columns_are_embedded_together_identify_a_row_or_stand_beside_it(shelf: Shelf) -> None:
    config = [
        {"column_name": "title", "vectorize": "True", "identifier": False},
        {"column_name": "body", "vectorize": True},
        {"column_name": "id", "vectorize": False, "identifier": True},
    ]
    table = Table(
        ("id", "title", "body", "year"), ((1, "A", "one", 2026), (1, "B", "two", 2025), (2, "C", "three", None))
    )
    assert told(ingest(shelf, table, column_config=config))["added"] == 2
    assert [(chunk.text, chunk.metadata) for chunk in shelf.chunks[BASE]] == [
        ("B two", {"id": 1, "year": 2025}),
        ("C three", {"id": 2}),
    ]


def test_metadata_of_the_run_stand_beside_those_of_each_row(shelf: Shelf) -> None:
    ingest(shelf, TEXTS, metadata_json='{"tag": "manual", "file": "all"}')
    rows = retrieve(shelf, metadata_filter='{"tag": ["manual", "x"], "file": "b.md"}')
    assert [(row["content"], row["tag"]) for row in rows] == [("We ship to Norway.", "manual")]


def test_only_what_is_asked_for_is_shown(shelf: Shelf) -> None:
    ingest(shelf, TEXTS)
    assert retrieve(shelf, include_metadata=False, include_embeddings=True, top_k=1) == [{"content": TEXTS.rows[0][0]}]
    [row] = retrieve(shelf, include_embeddings=True, top_k=1)
    assert row["_embeddings"] == list(numbers_of(shelf.chunks[BASE][0].vector))


def test_metadata_take_no_column_of_what_is_found(shelf: Shelf) -> None:
    ingest(shelf, Table(("text", "content", "_score", "_id"), (("One.", "no", 7, "no"),)))
    [row] = retrieve(shelf, "One")
    assert (row["content"], row["_score"]) == ("One.", pytest.approx(1.0))
    assert row["_id"] == shelf.chunks[BASE][0].digest


def test_a_base_without_what_is_wanted_gives_an_empty_table(shelf: Shelf) -> None:
    ingest(shelf, TEXTS)
    assert retrieve(shelf, "refund", metadata_filter='{"file": "c.md"}') == []


def test_an_endpoint_embeds_in_batches_under_the_name_of_its_model(shelf: Shelf, stub: ModelStub) -> None:
    table = Table(("text",), tuple((f"text {letter}",) for letter in "abcde"))
    journal = ingest(shelf, table, stub, chunk_size=2)
    assert [len(request.body["input"]) for request in stub.requests] == [2, 2, 1]
    assert {(request.path, request.body["model"]) for request in stub.requests} == {("/v1/embeddings", "an-embedder")}
    assert [event.data["message"] for event in journal.of_type(EventType.LOG)] == [
        "2/5 texts",
        "4/5 texts",
        "5/5 texts",
    ]
    assert (told(journal)["embedding_model"], shelf.bases[BASE].dimensions) == ("an-embedder", len(letters("")))
    assert retrieve(shelf, "text c", stub)[0]["content"] == "text c"


def test_the_endpoint_of_the_settings_gets_the_users_key(shelf: Shelf, stub: ModelStub) -> None:
    borrowed = knowing(shelf, stub, OPENAI_API_KEY="sk-mine")
    produce(exported("Ingest"), borrowed=borrowed, input_df=TEXTS)
    assert [request.key for request in stub.requests] == ["sk-mine"]


def test_a_base_keeps_what_it_was_made_with(shelf: Shelf, stub: ModelStub) -> None:
    """One without a model needs none when there is one; one with a model takes no other, and not none."""
    ingest(shelf, TEXTS)
    assert retrieve(shelf, "refund", stub)[0]["file"] == "a.md"
    ingest(shelf, Message("New."), stub)
    assert (stub.requests, shelf.bases[BASE].chunks) == ([], 3)
    other = Shelf()
    ingest(other, TEXTS, stub)
    fault = "'docs' was made with the embedding 'an-embedder', and 'hashed-words' is at hand. Set PENSTOCK_EMBEDDING"
    for asks in (lambda: retrieve(other, "refund"), lambda: ingest(other, Message("New."))):
        with pytest.raises(VertexFailed, match=fault):
            asks()
    other.model = "renamed"
    with pytest.raises(VertexFailed, match="made with the embedding 'an-embedder', and 'renamed' is at hand"):
        retrieve(other, "refund", stub)
    assert len(retrieve(other)) == 2


def test_a_model_that_answers_in_other_dimensions_is_another_one(shelf: Shelf, stub: ModelStub) -> None:
    ingest(shelf, TEXTS, stub)
    stub.embed = lambda text: [1.0, 2.0]
    with pytest.raises(VertexFailed, match=r"'an-embedder \(26\)', and 'an-embedder \(2\)' is at hand"):
        retrieve(shelf, "refund", stub)


def test_a_model_that_fails_or_answers_nonsense_fails_the_vertex_and_adds_nothing(
    shelf: Shelf, stub: ModelStub
) -> None:
    stub.fail_with(HTTPStatus.BAD_REQUEST, "too long")
    with pytest.raises(VertexFailed, match=f"The model 'an-embedder' at {stub.url} failed: .*too long"):
        ingest(shelf, TEXTS, stub)
    stub.fail_no_more()
    for vector in ([], [float("nan")] * 3):
        stub.embed = lambda text, vector=vector: vector  # type: ignore[misc]
        with pytest.raises(VertexFailed):
            ingest(shelf, TEXTS, stub)
    stub.embed = lambda text: [1.0] * len(text)
    with pytest.raises(VertexFailed, match="answered with 2 vectors for 2 texts"):
        ingest(shelf, TEXTS, stub)
    assert shelf.bases == {}


def test_a_base_that_is_not_there_says_how_to_make_one(shelf: Shelf) -> None:
    with pytest.raises(VertexFailed, match=r"There is no knowledge base 'docs' for this run\. Make one by running"):
        retrieve(shelf, "refund")
    with pytest.raises(VertexFailed, match="This run has no place for knowledge"):
        produce(exported("Ingest"), borrowed=replace(tools(), knowledge=NoKnowledge()), input_df=TEXTS)


@pytest.mark.parametrize(
    ("mode", "values", "fault"),
    [
        ("Retrieve", {"knowledge_base": " "}, "give the name of a knowledge base"),
        ("Retrieve", {"knowledge_base": "a\0b"}, "give the name of a knowledge base"),
        ("Retrieve", {"top_k": 0}, "`top_k` must lie between 1 and 100"),
        ("Retrieve", {"top_k": 101}, "`top_k` must lie between 1 and 100"),
        ("Retrieve", {"metadata_filter": "{tag"}, "`metadata_filter` is no JSON"),
        ("Retrieve", {"metadata_filter": "[1]"}, "`metadata_filter` must be a JSON object"),
        ("Ingest", {"metadata_json": "x"}, "`metadata_json` is no JSON"),
        ("Ingest", {"column_config": [{"column_name": "text"}]}, "no column is to be embedded"),
        ("Ingest", {"column_config": "text"}, "`column_config` must be a table"),
        (
            "Ingest",
            {"column_config": [{"column_name": "body", "vectorize": True}]},
            "the table has no column 'body'; it has 'text', 'file'",
        ),
    ],
)
def test_fields_that_make_no_sense_fail_the_vertex(shelf: Shelf, mode: str, values: Any, fault: str) -> None:
    brought: Any = {"input_df": TEXTS} if mode == "Ingest" else {"search_query": "x"}
    with pytest.raises(VertexFailed) as caught:
        produce(exported(mode, **values), borrowed=knowing(shelf), **brought)
    assert fault in caught.value.reason


@pytest.mark.parametrize(
    ("bound", "value", "fault"),
    [
        ("MAX_ADDED", 1, "there are 2 rows, and 1 can be added at once"),
        ("MAX_CHUNK_TEXT", 20, "row 1 has more than 20 characters. Split it"),
        ("MAX_METADATA", 10, "row 1 has more than 10 bytes beside its text"),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_embedded(
    shelf: Shelf, stub: ModelStub, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, fault: str
) -> None:
    """I10."""
    monkeypatch.setattr(knowledge, bound, value)
    with pytest.raises(VertexFailed, match=fault):
        ingest(shelf, TEXTS, stub)
    assert stub.requests == []


def test_there_is_nothing_to_add_to_a_base_that_is_not_there(shelf: Shelf) -> None:
    with pytest.raises(VertexFailed, match="there is no text to add"):
        ingest(shelf, Message(" "))


def test_its_ports_are_those_of_the_starter_projects() -> None:
    vertices = json.loads(shared("starter_flows", "knowledge_retrieval.json").read_text())["data"]["nodes"]
    [described] = [one["data"]["node"] for one in vertices if one["data"].get("type") == "Knowledge"]
    assert {port["name"]: tuple(port["types"]) for port in described["outputs"]} == {
        name: port.types for name, port in Knowledge.outputs.items()
    }
    assert KnowledgeFields.model_fields.keys() <= described["template"].keys()


def test_only_ingesting_does_something_to_the_world() -> None:
    effects = {mode: Knowledge().effect_of(KnowledgeFields(mode=mode)) for mode in ("Ingest", "Retrieve")}
    assert effects == {"Ingest": Effect.IDEMPOTENT, "Retrieve": Effect.PURE}
