"""Flows and projects as the Langflow SDK keeps them: pushed, pulled, downloaded and uploaded."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from tests.deployments import Deployment
from tests.making import approval_flow, chain, echo_flow, node
from tests.reading import Client
from tests.web.refusing import assert_refused

if TYPE_CHECKING:
    from langflow_sdk import Client as Sdk
    from langflow_sdk import Flow, Project

PROJECTS = "/api/v1/projects/"


def zipped(flows: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """What a user of the SDK makes of the flows that it downloads."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in flows.items():
            archive.writestr(name, content)
    return packed.getvalue()


def far_away() -> bytes:
    """An archive whose only flow begins further off than any file goes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.json", b"{}")
        archive.filelist[0].header_offset = 2**63
    return packed.getvalue()


@pytest.fixture
def project(sdk: Sdk) -> Project:
    from langflow_sdk import ProjectCreate

    return sdk.create_project(ProjectCreate(name=f"project {uuid4()}", description="about it"))


def a_flow(sdk: Sdk, project: Project | None = None, **fields: Any) -> Flow:
    from langflow_sdk import FlowCreate

    folder = {} if project is None else {"folder_id": project.id}
    return sdk.create_flow(FlowCreate(**{"name": "a flow", "data": echo_flow(), **folder, **fields}))


def test_a_flow_comes_back_as_it_was_sent(sdk: Sdk) -> None:
    """With every field that the SDK knows."""
    sent: dict[str, Any] = {
        "description": "d",
        "tags": ["t"],
        "endpoint_name": f"e-{uuid4()}",
        "icon": "🐟",
        "icon_bg_color": "#fff",
        "locked": True,
        "mcp_enabled": True,
    }
    created = a_flow(sdk, **sent)
    found = sdk.get_flow(created.id)
    assert {name: getattr(found, name) for name in sent} == sent
    assert (found, found.data, found.access_type) == (created, echo_flow(), "PRIVATE")


def test_a_flow_is_changed_put_and_deleted(sdk: Sdk) -> None:
    """A change leaves what it does not name; an upsert tells whether there was one."""
    from langflow_sdk import FlowCreate, FlowUpdate, LangflowNotFoundError

    created = a_flow(sdk, icon="A")
    assert sdk.update_flow(created.id, FlowUpdate(name="changed")).icon == "A"
    whole = FlowCreate(name="put", data=chain(2))
    assert sdk.upsert_flow(created.id, whole)[1] is False
    new_id = uuid4()
    flow, was_created = sdk.upsert_flow(new_id, whole)
    assert (flow.id, was_created) == (new_id, True)
    sdk.delete_flow(new_id)
    with pytest.raises(LangflowNotFoundError):
        sdk.get_flow(new_id)


def test_flows_are_listed_by_the_page(sdk: Sdk, project: Project) -> None:
    """Of one project, components alone, without their data, or all of them."""
    flows = [a_flow(sdk, project, name=f"{n}", is_component=n == 2) for n in range(3)]

    def listed(**query: Any) -> list[str]:
        return [flow.name for flow in sdk.list_flows(folder_id=project.id, **query)]

    assert (listed(), listed(size=2), listed(size=2, page=2)) == (["0", "1", "2"], ["0", "1"], ["2"])
    assert listed(size=1, get_all=True) == ["0", "1", "2"]
    assert listed(components_only=True) == ["2"]
    assert [flow.data for flow in sdk.list_flows(folder_id=project.id, header_flows=True)] == [None] * 3
    assert {flow.id for flow in flows} <= {flow.id for flow in sdk.list_flows(get_all=True)}
    assert sdk.list_flows(folder_id=uuid4()) == []


def test_a_flow_is_pulled_and_pushed(sdk: Sdk, v1_server: Deployment, tmp_path: Path) -> None:
    """What is pulled can be pushed again, and to another id; a folder of them at once, by both clients."""
    from langflow_sdk import AsyncClient

    created = a_flow(sdk, name="pulled", icon="A")
    pulled = sdk.pull(created.id, output=tmp_path / "pulled.json")
    assert (pulled["name"], pulled["icon"]) == ("pulled", "A")
    [(same, was_created)] = sdk.push_project(tmp_path)
    assert (same.id, same.data, was_created) == (created.id, created.data, False)
    (tmp_path / "other.json").write_text(json.dumps({**pulled, "id": str(uuid4())}))

    async def push() -> list[bool]:
        async with AsyncClient(v1_server.url) as client:
            return [created for _, created in await client.push_project(tmp_path)]

    assert asyncio.run(push()) == [True, False]


def test_a_flow_stays_in_its_project(sdk: Sdk, project: Project) -> None:
    """Unless it is put into another one, which must be its owner's; a flow that names no project is in the default one,
    and so is one that names a project of another server."""
    from langflow_sdk import FlowCreate, FlowUpdate, LangflowNotFoundError

    default = sdk.list_projects()[0]
    created = a_flow(sdk, project)
    assert created.folder_id == project.id
    assert sdk.upsert_flow(created.id, FlowCreate(name="put", data=echo_flow()))[0].folder_id == project.id
    assert sdk.update_flow(created.id, FlowUpdate(folder_id=default.id)).folder_id == default.id
    with pytest.raises(LangflowNotFoundError):
        sdk.update_flow(created.id, FlowUpdate(folder_id=uuid4()))
    assert a_flow(sdk).folder_id == a_flow(sdk, folder_id=uuid4()).folder_id == default.id


def test_a_project_is_made_found_and_changed(sdk: Sdk, project: Project) -> None:
    """With the flows that are moved into it; a flow that is not there is refused, and nothing is made."""
    from langflow_sdk import LangflowNotFoundError, ProjectCreate, ProjectUpdate

    moved = a_flow(sdk)
    made = sdk.create_project(ProjectCreate(name="with flows", flows_list=[moved.id]))
    assert [flow.id for flow in sdk.get_project(made.id).flows] == [moved.id]
    changed = sdk.update_project(project.id, ProjectUpdate(name="renamed"))
    assert (changed.name, changed.description) == ("renamed", "about it")
    assert {"Starter Project", "renamed", "with flows"} <= {found.name for found in sdk.list_projects()}
    before = len(sdk.list_projects())
    with pytest.raises(LangflowNotFoundError):
        sdk.create_project(ProjectCreate(name="none", flows_list=[uuid4()]))
    assert len(sdk.list_projects()) == before


def test_a_project_is_deleted_with_its_flows(sdk: Sdk, plain: Client, project: Project) -> None:
    """Not while a job of one of them lives: then all of them stay."""
    from langflow_sdk import LangflowHTTPError, LangflowNotFoundError

    flows = [a_flow(sdk, project), a_flow(sdk, project, data=approval_flow())]
    job_id = plain.run(str(flows[1].id), input_value="x").json()["job_id"]
    with pytest.raises(LangflowHTTPError) as refused:
        sdk.delete_project(project.id)
    detail: Any = refused.value.detail
    assert (refused.value.status_code, detail["code"]) == (409, "PROJECT_HAS_LIVE_JOBS")
    assert detail["job_ids"] == [job_id]
    assert len(sdk.get_project(project.id).flows) == 2
    plain.stop(job_id)
    sdk.delete_project(project.id)
    for flow in flows:
        with pytest.raises(LangflowNotFoundError):
            sdk.get_flow(flow.id)
    with pytest.raises(LangflowNotFoundError):
        sdk.get_project(project.id)


def test_a_project_travels_as_an_archive(sdk: Sdk, project: Project, tmp_path: Path) -> None:
    """Each flow in a file of its own, whatever its name is, and without its secrets; uploaded it is a new project."""
    secret = node("LanguageModelComponent", "Model-1", api_key="sk-hidden")
    secret["data"]["node"]["template"]["api_key"]["load_from_db"] = False
    kept = a_flow(sdk, project, name="../twice", data={"nodes": [secret], "edges": []})
    a_flow(sdk, project, name="../twice")
    archive = sdk.download_project(project.id)
    assert len(archive) == 2
    assert all("/" not in name and b"sk-hidden" not in content for name, content in archive.items())
    uploaded = sdk.upload_project(zipped(archive))
    assert {flow.name for flow in uploaded} == {"../twice"}
    [folder_id] = {flow.folder_id for flow in uploaded}
    assert folder_id is not None
    assert (len(sdk.get_project(folder_id).flows), sdk.get_flow(kept.id).folder_id) == (2, project.id)
    one = a_flow(sdk, None, name="plain")
    alone = sdk.create_project(_holding(one.id))
    assert list(sdk.pull_project(alone.id, output_dir=tmp_path)) == ["plain"]


def _holding(flow_id: UUID) -> Any:
    from langflow_sdk import ProjectCreate

    return ProjectCreate(name="holding", flows_list=[flow_id])


def test_an_export_of_a_folder_is_taken(plain: Client) -> None:
    """Langflow's own file, as a form or as the body; an archive is named after its file."""
    export = {"folder_name": "of Langflow", "folder_description": "d", "flows": [{"name": "a", "data": echo_flow()}]}
    sent = {"json": export}, {"files": {"file": ("some.json", json.dumps(export))}}
    for body in sent:
        [flow] = plain.http.post(f"{PROJECTS}upload/", **body).json()
        assert plain.http.get(f"{PROJECTS}{flow['folder_id']}").json()["name"] == "of Langflow"
    archive = zipped({"a.json": json.dumps({"name": "a", "data": echo_flow()}).encode()})
    [flow] = plain.http.post(f"{PROJECTS}upload/", files={"file": ("my things.zip", archive)}).json()
    assert plain.http.get(f"{PROJECTS}{flow['folder_id']}").json()["name"] == "my things"


def test_archives_that_are_refused(plain: Client) -> None:
    """What cannot be read, what holds nothing, and what is larger than it says; nothing is stored."""
    flow = json.dumps({"name": "a", "data": echo_flow()}).encode()
    bomb = flow[:-1] + b" " * 6_000_000 + b"}"
    refused = {
        b"PK\x03\x04 no archive": (400, "INVALID_ARCHIVE"),
        zipped({"a.json": flow}, zipfile.ZIP_BZIP2): (400, "INVALID_ARCHIVE"),
        zipped({"readme.txt": b"no flow"}): (400, "NO_FLOWS"),
        zipped({"a.json": bomb}): (413, "ARCHIVE_TOO_LARGE"),
        zipped({f"{n}.json": flow + b" " * 4_900_000 for n in range(11)}): (413, "ARCHIVE_TOO_LARGE"),
        zipped({f"{n}.json": b"{}" for n in range(501)}): (413, "ARCHIVE_TOO_LARGE"),
        zipped({f"{n}.json": b"[[]%b]" % (b",[]" * 1_600_000) for n in range(2)}): (413, "ARCHIVE_TOO_LARGE"),
        far_away(): (400, "INVALID_ARCHIVE"),
        zipped({"a.json": flow, "b.json": json.dumps({"name": "b", "data": {}}).encode()}): (400, "INVALID_FLOW_DATA"),
    }
    before = len(plain.http.get(PROJECTS).json()), len(plain.http.get("/api/v1/flows/").json())
    for content, (status, code) in refused.items():
        limit = {"limit": 50_000_000} if status == 413 else {}
        assert_refused(plain.http.post(f"{PROJECTS}upload/", content=content), status, code, **limit)
    assert (len(plain.http.get(PROJECTS).json()), len(plain.http.get("/api/v1/flows/").json())) == before


def test_the_client_of_an_environment(sdk: Sdk, v1_server: Deployment, tmp_path: Path) -> None:
    """The SDK finds this server by its file of environments."""
    from langflow_sdk import get_client

    config = tmp_path / "langflow-environments.toml"
    config.write_text(f'[environments.here]\nurl = "{v1_server.url}"\n[defaults]\nenvironment = "here"\n')
    with get_client(config_file=config) as client:
        assert client.list_projects()
