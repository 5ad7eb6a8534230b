"""Which stored flows a run may run inside its vertices (I9), and that it goes on inside them (I6)."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

import flows.components
from actors.run_flows import RunFlows, author_of
from flows.human import Decision
from flows.library import FlowUnavailable, StoredFlow
from flows.limits import Limits
from flows.registry import Registry, discover
from storage.auditing import Action, Actor, Deed
from storage.claiming import Claimed
from storage.database import Database
from storage.flow_store import NewFlow, change_flow, create_flow, delete_flow
from storage.graphs import Graphs
from storage.human_requests import requests_of
from storage.jobs import outputs_of
from storage.levels import Access, Level, Trust
from storage.runners import Runner
from storage.sharing import share
from storage.states import Status
from storage.store import Store
from storage.tables import User
from tests.actors.passes import a_claim
from tests.actors.stage import Dies, Stage, scripted_flow, staged_flow
from tests.actors.workplace import PATIENCE, Workplace, working
from tests.flows.shelf import run_flow
from tests.making import approval_flow, echo_flow, edge, flow, model_flow, node, template
from tests.shapes import Exported
from tests.storage.situations import another_user, let_lease_expire

FLOW, OTHER = str(uuid4()), str(uuid4())


@pytest.fixture
def claimed(database: Database) -> Claimed:
    """A run of a user's own flow."""
    return replace(a_claim(), user_id=another_user(database), flow_id=FLOW)


def stored(database: Database, owner: str, id: str = OTHER, exported: Exported | None = None, **given: object) -> str:
    create_flow(database, NewFlow(id, owner, "other", exported or echo_flow(), **given))  # type: ignore[arg-type]
    return id


def shared(database: Database, flow_id: str, with_user: str | None, level: Level) -> None:
    share(database, flow_id, with_user, level, Deed(Action.FLOW_SHARED, flow_id, Actor("owner")))


def library(database: Database, claimed: Claimed, author: str | None = None) -> RunFlows:
    graphs = Graphs(database, Registry(discover(flows.components)), Limits())
    return RunFlows(database, graphs, claimed, author or claimed.user_id, {"V": "value"}.get, set())


def find(database: Database, claimed: Claimed, author: str | None = None, *, name: str = "") -> StoredFlow:
    return asyncio.run(library(database, claimed, author).find("" if name else OTHER, name))


def test_a_run_finds_the_flows_of_its_user_by_id_and_by_name(database: Database, claimed: Claimed) -> None:
    stored(database, claimed.user_id)
    by_id, by_name = find(database, claimed), find(database, claimed, name="other")
    assert (by_id.flow_id, by_id.version_id) == (by_name.flow_id, by_name.version_id)
    assert by_id.variable("V") == "value"


def test_a_name_that_two_flows_have_finds_none(database: Database, claimed: Claimed) -> None:
    stored(database, claimed.user_id)
    stored(database, claimed.user_id, str(uuid4()))
    with pytest.raises(FlowUnavailable):
        find(database, claimed, name="other")


def refusal(database: Database, claimed: Claimed, author: str | None = None) -> str:
    with pytest.raises(FlowUnavailable) as caught:
        find(database, claimed, author)
    return str(caught.value)


def test_what_is_missing_and_what_is_forbidden_is_told_alike(database: Database, claimed: Claimed) -> None:
    """I9."""
    missing = refusal(database, claimed)
    other = another_user(database)
    stored(database, other)
    assert refusal(database, claimed) == missing
    shared(database, OTHER, claimed.user_id, Level.READ)
    assert refusal(database, claimed) == missing
    shared(database, OTHER, claimed.user_id, Level.EXECUTE)
    assert find(database, claimed).variable("V") is None, "variables are looked up in flows of one's own only"


def test_an_id_that_no_flow_can_have_is_told_alike(store: Store) -> None:
    """It is no fault of the database, for which the run would be tried again."""
    asked = library(store.database, replace(a_claim(), user_id=another_user(store.database), flow_id=FLOW))
    with pytest.raises(FlowUnavailable):
        asyncio.run(asked.find("a\x00b", ""))


def test_both_the_runner_and_the_owner_of_the_flow_must_be_allowed(database: Database, claimed: Claimed) -> None:
    """Else whoever shares a flow could make others run their private flows in it, or run what is shared with them."""
    author = another_user(database)
    stored(database, claimed.user_id)
    refusal(database, claimed, author)
    shared(database, OTHER, author, Level.EXECUTE)
    assert find(database, claimed, author).flow_id == OTHER
    refusal(database, replace(claimed, user_id=another_user(database)), author)


def test_an_owner_who_is_not_active_lends_no_right(database: Database, claimed: Claimed) -> None:
    author = another_user(database)
    stored(database, author)
    shared(database, OTHER, claimed.user_id, Level.EXECUTE)
    assert find(database, claimed, author).flow_id == OTHER
    with database.durable() as connection:
        connection.execute(update(User).where(col(User.id) == author).values(is_active=False))
    refusal(database, claimed, author)


def test_a_run_of_the_public_runs_public_flows_without_their_secrets(database: Database, claimed: Claimed) -> None:
    """Even of the owner in whose name it runs (contract 6.3)."""
    exported = model_flow()
    template(exported["nodes"][1])["api_key"] |= {"value": "sk-secret", "load_from_db": False}
    visited = replace(claimed, trust=Trust.PUBLIC)
    stored(database, claimed.user_id, exported=exported)
    refusal(database, visited)
    change_flow(database, OTHER, {"is_public": True})
    graph = find(database, visited).graph
    assert graph.vertices["LanguageModelComponent-m1"].overrides["api_key"] == ""


def test_what_the_flow_hides_stands_in_no_error(database: Database, claimed: Claimed) -> None:
    """I8."""
    exported = model_flow()
    template(exported["nodes"][1])["api_key"] |= {"value": "sk-secret", "load_from_db": False}
    stored(database, claimed.user_id, exported=exported)
    finder = library(database, claimed)
    asyncio.run(finder.find(OTHER, ""))
    assert "sk-secret" in finder.confided


def test_a_build_that_goes_on_has_its_version_as_long_as_the_right_lasts(database: Database, claimed: Claimed) -> None:
    """I9: rights are read anew."""
    owner = another_user(database)
    stored(database, owner)
    shared(database, OTHER, claimed.user_id, Level.EXECUTE)
    began = find(database, claimed)
    change_flow(database, OTHER, {"definition": approval_flow()})
    again = asyncio.run(library(database, claimed).again(OTHER, began.version_id))
    assert again.graph.vertices.keys() == began.graph.vertices.keys() != find(database, claimed).graph.vertices.keys()
    delete_flow(database, OTHER)
    with pytest.raises(FlowUnavailable):
        asyncio.run(library(database, claimed).again(OTHER, began.version_id))


def test_a_flow_inside_runs_others_by_the_rights_of_its_own_owner(database: Database, claimed: Claimed) -> None:
    owner, deep = another_user(database), str(uuid4())
    stored(database, owner)
    shared(database, OTHER, claimed.user_id, Level.EXECUTE)
    stored(database, claimed.user_id, deep)
    with pytest.raises(FlowUnavailable):
        asyncio.run(find(database, claimed).library.find(deep, ""))


def freedom(found: StoredFlow) -> tuple[bool, bool, bool, bool]:
    return found.is_own, found.shares_session, found.takes_fields, found.is_told


def test_a_flow_of_somebody_else_is_run_as_it_is_stored_and_told_nothing_more(
    database: Database, claimed: Claimed
) -> None:
    """Else a flow of one's own around it would show what running it does not, and change it (contract 6.5)."""
    owner = another_user(database)
    stored(database, owner)
    shared(database, OTHER, claimed.user_id, Level.EXECUTE)
    assert freedom(find(database, claimed)) == (False, False, False, False)
    shared(database, OTHER, claimed.user_id, Level.WRITE)
    assert freedom(find(database, claimed)) == (False, False, True, True)


def test_whoever_could_not_change_the_flow_around_runs_what_its_owner_fills_in(
    database: Database, claimed: Claimed
) -> None:
    owner = another_user(database)
    stored(database, owner)
    shared(database, OTHER, claimed.user_id, Level.EXECUTE)
    finder = library(database, claimed, owner)
    assert freedom(asyncio.run(finder.find(OTHER, ""))) == (False, True, False, False)
    confined = replace(finder, is_changeable=False)
    assert freedom(asyncio.run(confined.find(OTHER, ""))) == (False, True, True, False)


def test_nothing_is_withheld_from_a_flow_of_one_s_own(database: Database, claimed: Claimed) -> None:
    stored(database, claimed.user_id)
    assert freedom(find(database, claimed)) == (True, True, True, True)


def test_the_author_of_a_flow_is_its_owner(database: Database, claimed: Claimed) -> None:
    owner = another_user(database)
    stored(database, owner, FLOW)
    assert author_of(database, claimed) == claimed.user_id
    assert author_of(database, replace(claimed, runner=Runner(Access.EXECUTE, owns_flow=False))) == owner


def around(exported_inside: str, output: str) -> Exported:
    """RunFlow → ChatOutput-end."""
    runs, end = run_flow("run", exported_inside, [], [output]), node("ChatOutput", "ChatOutput-end")
    return flow([runs, end], [edge(runs, output, end, "input_value")])


def test_a_flow_goes_on_inside_where_a_lost_process_left_it(opening: Callable[[], Store], stage: Stage) -> None:
    """In the version that it began with."""
    dies = stage.acts["run/1/Scripted-2"] = Dies()
    with closing(opening()) as one, closing(opening()) as another:
        with working(one) as workplace:
            create_flow(one.database, NewFlow(OTHER, workplace.user_id, "other", scripted_flow(3)))
            job_id = workplace.submit(around("other", "ChatOutput-b1~message"))
            assert dies.died.acquire(timeout=PATIENCE)
        change_flow(another.database, OTHER, {"definition": scripted_flow(1)})
        let_lease_expire(another.database, job_id)
        with working(another) as workplace:
            workplace.to_end(job_id)
            assert workplace.job(job_id).status is Status.COMPLETED
            outputs = outputs_of(another.database, job_id)
    assert stage.built == [f"run/1/Scripted-{number}" for number in (1, 2, 2, 3)]
    assert list(outputs) == ["ChatOutput-end"], "those of the flow inside are none of the job"


def test_of_what_must_not_happen_twice_inside_somebody_is_asked(opening: Callable[[], Store], stage: Stage) -> None:
    dies = stage.acts["run/1/ScriptedOnce-1"] = Dies()
    with closing(opening()) as one, closing(opening()) as another:
        with working(one) as workplace:
            create_flow(one.database, NewFlow(OTHER, workplace.user_id, "other", staged_flow(["ScriptedOnce"])))
            job_id = workplace.submit(around("other", "ChatOutput-b1~message"))
            assert dies.died.acquire(timeout=PATIENCE)
        let_lease_expire(another.database, job_id)
        with working(another) as workplace:
            workplace.to_suspension(job_id)
            [request] = requests_of(another.database, job_id)
            assert (request.vertex_id, request.kind) == ("run/1/ScriptedOnce-1", "uncertain_effect")
            workplace.answer(job_id, request.id, Decision("done", {"text": "it was done"}))
            workplace.to_end(job_id)
            assert outputs_of(another.database, job_id)["ChatOutput-end"]["content"] == "it was done"
    assert stage.built == ["run/1/ScriptedOnce-1"]


def test_the_job_is_suspended_when_the_flow_inside_asks(workplace: Workplace) -> None:
    """And goes on when it is answered; what is inside is told of under its own ids, and shows nothing in the chat."""
    database = workplace.store.database
    create_flow(database, NewFlow(OTHER, workplace.user_id, "other", approval_flow()))
    job_id = workplace.submit(around("other", "ChatOutput-yes~message"))
    workplace.to_suspension(job_id)
    [request] = requests_of(database, job_id)
    assert request.vertex_id == "run/1/HumanInput-h1"
    workplace.answer(job_id, request.id, Decision("approve"))
    entries = workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED
    ends = [orjson.loads(one.payload)["data"]["build_data"]["id"] for one in entries if one.type == "end_vertex"]
    assert ends[-3:] == ["run/1/ChatOutput-yes", "run", "ChatOutput-end"]
    shown = [orjson.loads(one.payload)["data"] for one in entries if one.type == "add_message"]
    assert len(shown) == 1
