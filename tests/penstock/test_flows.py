"""penstock/commands/flows.py: exported files become stored flows."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert

from storage.clock import now
from storage.database import Database
from storage.flow_store import NewFlow, create_flow, find_flow, load_version
from storage.tables import User
from tests.making import chain, echo_flow, export_file
from tests.penstock.conftest import ROOT, Penstock

ECHO, ROUTER = ROOT / "examples" / "echo.json", ROOT / "examples" / "router.json"


def saved(file: Path, exported: dict[str, Any]) -> Path:
    file.write_text(json.dumps(exported))
    return file


def database(desk: Path) -> Database:
    return Database(f"sqlite:///{desk / '.penstock' / 'penstock.db'}")


def test_a_pushed_flow_is_listed(penstock: Penstock) -> None:
    """A program gets one line per flow: id, name and endpoint name between tabs."""
    assert penstock("flows", "list").lines == []
    assert penstock("flows", "push", ROUTER, ECHO).code == 0
    assert [line.split("\t")[1:] for line in penstock("flows", "list").lines] == [
        ["Echo", "example-echo"],
        ["Router", "example-router"],
    ]


def test_a_flow_pushed_again_is_changed(penstock: Penstock, desk: Path) -> None:
    """The id of the file decides; everything else becomes what the file says."""
    flow_id = str(uuid4())
    file = saved(desk / "flow.json", export_file(echo_flow(), "Before") | {"id": flow_id, "tags": ["a"]})
    assert penstock("flows", "push", file).lines == [f"created {flow_id} Before"]
    saved(file, export_file(chain(1), "After") | {"id": flow_id, "endpoint_name": "after"})
    assert penstock("flows", "push", file).lines == [f"updated {flow_id} After"]
    with closing(database(desk)) as stored:
        found = find_flow(stored, flow_id)
        assert found is not None
        assert (found.name, found.endpoint_name, found.tags) == ("After", "after", ())
        assert load_version(stored, found.version_id) == chain(1)


def test_a_file_without_a_name_gives_its_own(penstock: Penstock, desk: Path) -> None:
    saved(desk / "answering.json", echo_flow())
    assert penstock("flows", "push", desk / "answering.json").lines[0].endswith(" answering")


def test_every_refused_file_is_named_and_nothing_is_stored(penstock: Penstock, desk: Path) -> None:
    broken = echo_flow()
    broken["edges"][0]["target"] = "gone"
    files = [
        saved(desk / "broken.json", export_file(broken)),
        ECHO,
        saved(desk / "named.json", export_file(echo_flow()) | {"endpoint_name": "not a name"}),
    ]
    said = penstock("flows", "push", *files)
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        f"{files[0]}: The edge from 'ChatInput-a1' to 'gone' has no node 'gone'.",
        f"{files[2]}: `endpoint_name` is wrong: String should match pattern '^[A-Za-z0-9_-]{{1,128}}$'.",
    ]
    assert penstock("flows", "list").lines == []


def test_a_file_larger_than_a_body_may_be_is_refused(
    penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bound as that of the API, to the byte (I10)."""
    file = saved(desk / "flow.json", export_file(echo_flow()))
    size = file.stat().st_size
    monkeypatch.setenv("PENSTOCK_MAX_BODY_BYTES", str(size - 1))
    said = penstock("flows", "push", file)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"{file}: has more than {size - 1} bytes, as many as PENSTOCK_MAX_BODY_BYTES allows.\n"
    monkeypatch.setenv("PENSTOCK_MAX_BODY_BYTES", str(size))
    assert penstock("flows", "push", file).code == 0


def test_an_endpoint_name_belongs_to_one_flow(penstock: Penstock, desk: Path) -> None:
    penstock("flows", "push", ECHO)
    other = saved(desk / "other.json", export_file(echo_flow()) | {"endpoint_name": "example-echo"})
    said = penstock("flows", "push", other)
    assert (said.code, said.err) == (2, f"{other}: The name 'example-echo' is taken. Choose another one.\n")


def test_a_flow_of_somebody_else_is_left_alone(penstock: Penstock, desk: Path) -> None:
    penstock("migrate")
    flow_id = str(uuid4())
    with closing(database(desk)) as stored:
        with stored.durable() as connection:
            connection.execute(insert(User).values(id="other", name="other", is_superuser=False, created_at=now()))
        create_flow(stored, NewFlow(flow_id, "other", "Theirs", echo_flow()))
        file = saved(desk / "flow.json", export_file(chain(1), "Mine") | {"id": flow_id})
        said = penstock("flows", "push", file)
        assert said.code == 2
        assert said.err == f"{file}: the flow {flow_id} belongs to another user. Change the id in the file.\n"
        found = find_flow(stored, flow_id)
        assert found is not None
        assert found.name == "Theirs"
    assert penstock("flows", "list").lines == []


def test_a_shared_database_is_migrated_by_its_release_only(
    penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With DATABASE_URL the commands on flows say what to run, and `penstock migrate` is that."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{desk / 'shared.db'}")
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", penstock("secret-key").out.strip())
    said = penstock("flows", "push", ECHO)
    assert said.code == 2
    assert said.err.endswith("Run `penstock migrate`.\n")
    assert penstock("migrate").code == 0
    assert penstock("flows", "push", ECHO).code == 0
