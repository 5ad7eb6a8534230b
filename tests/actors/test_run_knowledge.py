"""What a run may know of the knowledge bases (I9), and whole flows that add to them and search them."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.run_knowledge import RunKnowledge
from flows.embedding import HASHED, hashed
from flows.errors import PassInterrupted
from flows.knowledge import KnowledgeRefused
from storage.claiming import Claimed
from storage.database import Database
from storage.knowledge import add, find_base, list_bases
from storage.knowledge_index import Indexes
from storage.levels import Access, Trust
from storage.runners import Runner
from storage.states import Status
from storage.store import Store
from storage.stream import Entry
from tests.actors.passes import a_claim
from tests.actors.workplace import Workplace
from tests.flows.shared import shared
from tests.making import edge, flow, node
from tests.shapes import Exported
from tests.storage.learning import NAMED, chunk

SHARED_WITH_THEM = Runner(Access.WRITE, owns_flow=False)


@pytest.fixture
def claimed(user_id: str) -> Claimed:
    return replace(a_claim(), user_id=user_id)


def knowledge_of(database: Database, claimed: Claimed) -> RunKnowledge:
    return RunKnowledge(database, Indexes(database), claimed, "a-model")


def texts(known: RunKnowledge, name: str = "docs") -> list[str] | None:
    async def found() -> list[str] | None:
        base = await known.base(name)
        return None if base is None else [one.text for one in await known.search(base, None, {}, 10)]

    return asyncio.run(found())


def test_a_run_uses_the_bases_of_its_user(database: Database, claimed: Claimed) -> None:
    known = knowledge_of(database, claimed)
    assert texts(known) is None
    assert set(asyncio.run(known.lacking("docs", ["one"]))) == {"one"}
    base = asyncio.run(known.add("docs", NAMED, [chunk("one")]))
    assert find_base(database, claimed.user_id, "docs") == base
    assert set(asyncio.run(known.lacking("docs", ["one", "two"]))) == {"two"}
    assert texts(known) == ["one"]


@pytest.mark.parametrize(
    "other",
    [{"trust": Trust.PUBLIC}, {"runner": SHARED_WITH_THEM}, {"user_id": "somebody-else"}],
    ids=lambda other: next(iter(other)),
)
def test_no_other_run_sees_that_there_is_one(database: Database, claimed: Claimed, other: dict[str, Any]) -> None:
    """One of the public, which stands in the name of the flow's owner, and one in a flow of somebody else, who decides
    where that flow sends what it finds."""
    add(database, claimed.user_id, "docs", NAMED, [chunk("mine")])
    known = knowledge_of(database, replace(claimed, **other))
    assert texts(known) is None
    if "user_id" not in other:
        for attempt in (known.lacking("docs", ["one"]), known.add("docs", NAMED, [chunk("one")])):
            with pytest.raises(KnowledgeRefused, match="in flows of their own only"):
                asyncio.run(attempt)
    assert [base.chunks for base in list_bases(database, claimed.user_id)] == [1]


def test_a_run_for_somebody_behind_a_key_searches_and_adds_nothing(database: Database, claimed: Claimed) -> None:
    """What one of them added, the others would find."""
    add(database, claimed.user_id, "docs", NAMED, [chunk("for all")])
    known = knowledge_of(database, replace(claimed, end_user="ann"))
    assert texts(known) == ["for all"]
    for attempt in (known.lacking("docs", ["one"]), known.add("docs", NAMED, [chunk("of ann")])):
        with pytest.raises(KnowledgeRefused, match="one of the people behind a key adds to no knowledge base"):
            asyncio.run(attempt)
    assert texts(known) == ["for all"]


def test_a_database_that_is_away_interrupts_the_pass(tmp_path: Path, claimed: Claimed) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'empty.db'}")) as empty, pytest.raises(PassInterrupted):
        texts(knowledge_of(empty, claimed))


def starter(**values: Any) -> Exported:
    """Langflow's own project around the component, some of whose fields are filled in, and what led to them cut off."""
    data: Exported = json.loads(shared("starter_flows", "knowledge_retrieval.json").read_text())["data"]
    template = knowledge_in(data)["data"]["node"]["template"]
    for name, value in {"knowledge_base": "docs", **values}.items():
        template[name] |= {"value": value, "show": True}
    cut = [edge for edge in data["edges"] if edge["data"]["targetHandle"]["fieldName"] not in values]
    return {**data, "edges": cut}


def knowledge_in(data: Exported) -> Exported:
    [found] = [vertex for vertex in data["nodes"] if vertex["data"].get("type") == "Knowledge"]
    return dict(found)


def ingesting(*texts: str) -> Exported:
    """A flow that adds texts to the base by the same component."""
    source = node("TextInput", "t", input_value=json.dumps([{"text": text} for text in texts]))
    knowledge = knowledge_in(starter(mode="Ingest", input_df=""))
    return flow([source, knowledge], [edge(source, "text", knowledge, "input_df")])


def finished(workplace: Workplace, exported: Exported) -> list[Entry]:
    job_id = workplace.submit(exported)
    entries = workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED, workplace.job(job_id).error
    return entries


def found_by(workplace: Workplace, question: str) -> str:
    """What the project answers to a question."""
    entries = finished(workplace, starter(search_query=question))
    outputs = [json.loads(one.payload)["data"] for one in entries if one.type == "output"]
    [text] = [one["content"] for one in outputs if one["component_id"].startswith("ChatOutput")]
    return str(text)


def add_elsewhere(opening: Callable[[], Store], user_id: str, text: str) -> None:
    """Adds a text to the base in another process."""
    [vector] = hashed([text])
    with closing(opening()) as store:
        add(store.database, user_id, "docs", HASHED, [replace(chunk(text), vector=vector)])


def test_what_is_ingested_is_found_by_the_next_run_of_every_process(
    workplace: Workplace, opening: Callable[[], Store]
) -> None:
    """What is ingested again is there once; and what another process adds is found too, though this one keeps the base
    in memory."""
    finished(workplace, ingesting("A refund takes five days.", "We ship to Norway."))
    finished(workplace, ingesting("A refund takes five days."))
    first, *others = found_by(workplace, "How long does a refund take?").splitlines()
    assert "A refund takes five days." in first
    assert not any("refund" in line for line in others)
    add_elsewhere(opening, workplace.user_id, "Parcels to Chile take two weeks.")
    assert "Chile" in found_by(workplace, "Do you send parcels to Chile?").splitlines()[0]


def test_a_flow_without_a_base_says_how_to_make_one(workplace: Workplace) -> None:
    job_id = workplace.submit(starter())
    workplace.to_end(job_id)
    assert "There is no knowledge base 'docs' for this run. Make one" in str(workplace.job(job_id).error)
