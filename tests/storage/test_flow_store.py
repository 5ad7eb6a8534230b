from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

from storage import flow_store
from storage.auditing import Actor
from storage.database import Database
from storage.errors import FlowIdTaken, LiveJobs, NameTaken, TooMany
from storage.flow_store import (
    MOST,
    NewFlow,
    change_flow,
    create_flow,
    create_flows,
    delete_flow,
    find_flow,
    list_flows,
    load_version,
    load_versions,
    store_version,
    taken_ids,
)
from storage.jobs import find_job
from storage.log import EventLog
from storage.states import LIVE, TERMINAL, Status
from storage.tables import Flow, FlowVersion, User
from tests.storage.situations import NOON, JobMaker, another_user, at_once, brought_to, contents, submitted
from tests.storage.statements import statements

DEFINITION = {"nodes": [{"id": "a"}], "edges": []}
OTHER = {"nodes": [{"id": "b"}], "edges": []}


def flow(user_id: str, **given: Any) -> NewFlow:
    return NewFlow(**{"id": str(uuid4()), "user_id": user_id, "name": "A flow", "definition": DEFINITION, **given})


def test_a_flow_is_found_as_it_was_stored(database: Database, user_id: str) -> None:
    stored = create_flow(
        database, flow(user_id, description="d", endpoint_name="e", tags=("x", "œ"), is_component=True)
    )
    assert find_flow(database, stored.id) == stored
    assert (stored.name, stored.description, stored.endpoint_name) == ("A flow", "d", "e")
    assert (stored.tags, stored.is_component) == (("x", "œ"), True)
    assert load_version(database, stored.version_id) == DEFINITION


def test_a_flow_that_does_not_exist_is_not_found(database: Database) -> None:
    assert find_flow(database, "nowhere") is None


def test_the_same_content_is_the_same_version_whatever_the_order_of_its_keys(database: Database) -> None:
    turned = {"edges": [], "nodes": [{"id": "a"}]}
    assert store_version(database, DEFINITION) == store_version(database, turned)
    assert store_version(database, DEFINITION) != store_version(database, OTHER)
    assert len(contents(database)["flow_versions"]) == 2


def test_a_version_stored_again_stays_as_it_was(database: Database) -> None:
    store_version(database, DEFINITION)
    before = contents(database)
    store_version(database, DEFINITION)
    assert contents(database) == before


def test_the_same_content_stored_by_eight_at_once_is_one_version(database: Database) -> None:
    races = at_once([partial(store_version, database, DEFINITION)] * 8)
    assert len({race.result() for race in races}) == 1
    assert len(contents(database)["flow_versions"]) == 1


def test_a_version_that_does_not_exist_is_told_so(database: Database) -> None:
    with pytest.raises(LookupError):
        load_version(database, "nowhere")


def test_a_changed_definition_is_a_new_version_beside_the_old_one(database: Database, user_id: str) -> None:
    old = create_flow(database, flow(user_id))
    new = change_flow(database, old.id, {"definition": OTHER})
    assert new.version_id != old.version_id
    assert find_flow(database, old.id) == new
    assert load_version(database, old.version_id) == DEFINITION
    assert load_version(database, new.version_id) == OTHER


def test_changed_fields_leave_the_others_and_the_version(database: Database, user_id: str) -> None:
    old = create_flow(database, flow(user_id, description="d", tags=("x",)))
    new = change_flow(database, old.id, {"name": "Renamed", "tags": ("y", "z")})
    assert (new.name, new.tags, new.description, new.version_id) == ("Renamed", ("y", "z"), "d", old.version_id)
    assert new.created_at == old.created_at
    assert new.updated_at >= old.updated_at


def test_a_flow_that_does_not_exist_cannot_be_changed(database: Database) -> None:
    """Nothing is stored or recorded of it."""
    before = contents(database)
    with pytest.raises(LookupError):
        change_flow(database, "nowhere", {"is_public": True, "definition": OTHER}, Actor("ann", "ann"))
    assert contents(database) == before


def test_an_endpoint_name_that_is_taken_is_refused_and_stores_nothing(database: Database, user_id: str) -> None:
    create_flow(database, flow(user_id, endpoint_name="taken"))
    other = create_flow(database, flow(user_id, endpoint_name="free"))
    before = contents(database)
    with pytest.raises(NameTaken, match="'taken'"):
        create_flow(database, flow(user_id, endpoint_name="taken", definition=OTHER))
    with pytest.raises(NameTaken, match="'taken'"):
        change_flow(database, other.id, {"endpoint_name": "taken", "definition": OTHER})
    assert contents(database) == before


@pytest.mark.parametrize("endpoint_name", [None, "free"])
def test_an_id_that_is_taken_is_refused(database: Database, user_id: str, endpoint_name: str | None) -> None:
    """Whatever else the flow brings, and of two in one call as well."""
    stored = create_flow(database, flow(user_id))
    new = flow(user_id, id=stored.id, endpoint_name=endpoint_name, definition=OTHER)
    twice = [flow(user_id, id="twice"), flow(user_id, id="twice")]
    before = contents(database)
    for flows in ([new], [flow(user_id), new], twice):
        with pytest.raises(FlowIdTaken):
            create_flows(database, flows)
    assert contents(database) == before


def test_an_id_of_a_deleted_flow_is_taken_while_somebody_else_ran_it(log: EventLog, new_job: JobMaker) -> None:
    """The new flow would hide from them what they ran."""
    job = new_job()
    other = another_user(log.database)
    submitted(log, job)
    assert taken_ids(log.database, {job.flow_id, "free"}, job.user_id) == set()
    assert taken_ids(log.database, {job.flow_id, "free"}, other) == {job.flow_id}
    with pytest.raises(FlowIdTaken):
        create_flow(log.database, flow(other, id=job.flow_id))
    create_flow(log.database, flow(job.user_id, id=job.flow_id))


def test_of_eight_flows_that_take_one_id_at_once_one_is_there(database: Database, user_id: str) -> None:
    """The others are told that the id is taken, not that the name is that they brought."""
    new = flow(user_id, endpoint_name="same")
    races = at_once([partial(create_flow, database, new)] * 8)
    faults = [race.exception() for race in races]
    assert [fault for fault in faults if fault is None] == [None]
    assert [type(fault) for fault in faults if fault is not None] == [FlowIdTaken] * 7


def test_nobody_waits_while_definitions_are_hashed(
    database: Database, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take long, and SQLite has one writer at a time."""

    hash_now = flow_store.version_of

    def hashed(definition: Mapping[str, Any]) -> tuple[str, str]:
        with database.durable() as connection:
            connection.execute(update(User).values(is_superuser=True))
        return hash_now(definition)

    new = [flow(user_id), flow(user_id, definition=OTHER)]
    stored = create_flow(database, flow(user_id))
    monkeypatch.setattr(flow_store, "version_of", hashed)
    create_flows(database, new)
    change_flow(database, stored.id, {"definition": OTHER})


def test_known_versions_are_looked_up_in_one_statement(database: Database, user_id: str) -> None:
    """However many flows there are, stored or read; each has its own."""
    definitions = [{"nodes": [{"id": str(n)}], "edges": []} for n in range(5)]
    new = [flow(user_id, definition=definition) for definition in [*definitions, *definitions]]
    with statements("FROM flow_versions") as looked_up:
        created = create_flows(database, new)
    assert len(looked_up) == 1
    ids = {one.version_id for one in created}
    with statements("FROM flow_versions") as read:
        found = load_versions(database, ids)
    assert len(read) == 1
    assert [found[one.version_id] for one in created] == [*definitions, *definitions]


def test_a_user_has_so_many_flows_and_no_more(database: Database, user_id: str) -> None:
    """Beyond them nothing is stored; others have room of their own (I10)."""
    first = create_flow(database, flow(user_id))
    row = {"user_id": user_id, "name": "x", "version_id": first.version_id, "created_at": NOON, "updated_at": NOON}
    with database.durable() as connection:
        connection.execute(insert(Flow), [{**row, "id": str(n)} for n in range(MOST - 2)])
    before = contents(database)
    with pytest.raises(TooMany, match="5000 flows"):
        create_flows(database, [flow(user_id), flow(user_id)])
    assert contents(database) == before
    create_flow(database, flow(user_id))
    with pytest.raises(TooMany):
        create_flow(database, flow(user_id))
    create_flow(database, flow(another_user(database)))


def test_an_endpoint_name_is_one_of_its_user(database: Database, user_id: str) -> None:
    """Or a name that is taken would tell of a flow that nobody else may know of (I9)."""
    own = create_flow(database, flow(user_id, endpoint_name="same"))
    other = create_flow(database, flow(another_user(database), endpoint_name="same"))
    assert own.endpoint_name == other.endpoint_name


def test_flows_without_endpoint_name_do_not_collide(database: Database, user_id: str) -> None:
    for _ in range(2):
        create_flow(database, flow(user_id))
    assert len(list_flows(database, user_id)) == 2


def test_a_user_sees_their_flows_by_name(database: Database, user_id: str) -> None:
    create_flow(database, flow(another_user(database), name="a"))
    for name in ("c", "a", "b"):
        create_flow(database, flow(user_id, name=name))
    assert [view.name for view in list_flows(database, user_id)] == ["a", "b", "c"]


@pytest.mark.parametrize("status", LIVE)
def test_a_flow_with_jobs_that_live_is_not_deleted(log: EventLog, new_job: JobMaker, status: Status) -> None:
    job = new_job()
    stored = create_flow(log.database, flow(job.user_id))
    brought_to(log, new_job(flow_id=stored.id), status)
    with pytest.raises(LiveJobs):
        delete_flow(log.database, stored.id)
    assert find_flow(log.database, stored.id) == stored


@pytest.mark.parametrize("status", TERMINAL)
def test_a_deleted_flow_leaves_its_jobs_and_their_versions(log: EventLog, new_job: JobMaker, status: Status) -> None:
    stored = create_flow(log.database, flow(new_job().user_id))
    owner = brought_to(log, new_job(flow_id=stored.id, version_id=stored.version_id), status)
    assert delete_flow(log.database, stored.id)
    assert find_flow(log.database, stored.id) is None
    assert find_job(log.database, owner.job_id) is not None
    assert load_version(log.database, owner.version_id) == DEFINITION


def test_a_flow_that_does_not_exist_cannot_be_deleted(database: Database) -> None:
    assert not delete_flow(database, "nowhere")


def test_every_version_is_the_hash_of_what_it_holds(database: Database, user_id: str) -> None:
    stored = create_flow(database, flow(user_id))
    change_flow(database, stored.id, {"definition": OTHER})
    with database.read() as connection:
        ids = connection.execute(select(col(FlowVersion.id))).scalars().all()
    assert len(ids) == 2
    assert all(store_version(database, load_version(database, id)) == id for id in ids)
