"""Projects: the one that everybody has, whose they are, and what goes with them."""

from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from storage.auditing import Actor
from storage.database import Database
from storage.errors import FlowIdTaken
from storage.flow_store import NewFlow, change_flow, create_flow, find_flow, flow_of_endpoint
from storage.projects import (
    ProjectView,
    change_project,
    create_project,
    default_project_id,
    delete_project,
    find_project,
    flows_in,
    list_projects,
)
from tests.storage.situations import another_user, at_once

DESK = Actor()


def a_flow(user_id: str, project: ProjectView | None = None) -> NewFlow:
    place = None if project is None else project.id
    return NewFlow(str(uuid4()), user_id, "a flow", {"nodes": [], "id": str(uuid4())}, project_id=place)


def test_everybody_has_one_default_project(database: Database, user_id: str) -> None:
    """Those who ask for it first, at the same moment, are told of the same one; flows of nowhere are in it."""
    seen = at_once([lambda: list_projects(database, user_id)] * 4)
    assert {project.id for found in seen for project in found.result()} == {default_project_id(user_id)}
    flow = create_flow(database, a_flow(user_id))
    [project] = list_projects(database, user_id)
    assert (project.name, flows_in(database, project)) == ("Starter Project", [flow])
    renamed = change_project(database, user_id, project.id, {"name": "mine"})
    assert renamed is not None
    assert [(found.name, found.is_default) for found in list_projects(database, user_id)] == [("mine", True)]


def test_projects_are_their_owners(database: Database, user_id: str) -> None:
    """Nobody else finds, changes or fills them."""
    other = another_user(database)
    project, _ = create_project(database, user_id, "mine")
    theirs = create_flow(database, a_flow(other))
    assert find_project(database, other, project.id) is None
    assert find_project(database, other, default_project_id(user_id)) is None
    assert change_project(database, other, project.id, {"name": "theirs"}) is None
    with pytest.raises(LookupError):
        create_project(database, user_id, "with theirs", flow_ids=[theirs.id])
    assert [found.name for found in list_projects(database, user_id)] == ["Starter Project", "mine"]


def test_a_project_comes_with_all_of_its_flows_or_not_at_all(database: Database, user_id: str) -> None:
    """New ones and those that are moved into it."""
    moved, new = create_flow(database, a_flow(user_id)), a_flow(user_id)
    project, [created] = create_project(database, user_id, "p", flow_ids=[moved.id], flows=[new])
    assert {flow.id for flow in flows_in(database, project)} == {moved.id, created.id}
    with pytest.raises(FlowIdTaken):
        create_project(database, user_id, "again", flow_ids=[moved.id], flows=[new])
    assert {flow.id for flow in flows_in(database, project)} == {moved.id, created.id}


def test_a_deleted_project_takes_its_flows_along_and_no_other(database: Database, user_id: str) -> None:
    """The default one is empty then, and there again."""
    project, _ = create_project(database, user_id, "p")
    inside, outside = (create_flow(database, a_flow(user_id, place)) for place in (project, None))
    assert delete_project(database, project, DESK)
    assert not delete_project(database, project, DESK)
    assert (find_flow(database, inside.id), find_flow(database, outside.id)) == (None, outside)
    [default] = list_projects(database, user_id)
    assert delete_project(database, default, DESK)
    assert find_flow(database, outside.id) is None
    assert [found.id for found in list_projects(database, user_id)] == [default.id]


def test_a_flow_goes_into_no_project_that_is_gone(database: Database, user_id: str) -> None:
    """It stays where it is, and no name is blamed for it."""
    flow = create_flow(database, a_flow(user_id))
    with pytest.raises(IntegrityError):
        change_flow(database, flow.id, {"project_id": str(uuid4())})
    assert find_flow(database, flow.id) == flow


def test_a_name_that_no_flow_can_have(database: Database, user_id: str) -> None:
    """It is looked for in vain."""
    assert flow_of_endpoint(database, user_id, "a\0b") is None
