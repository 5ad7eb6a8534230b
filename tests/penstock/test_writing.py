"""penstock/writing.py: flows of the components of this machine, written in Python and saved."""

import json
from pathlib import Path

import pytest

from flows.errors import FlowRefused
from penstock.writing import Flow
from tests.penstock.conftest import Penstock

OWN = """
from flows.components.text_input import TextInput

class Shout(TextInput):
    types = ("Shout",)
"""


def echo(id: str | None = None) -> Flow:
    flow = Flow("Echo œ", id=id, endpoint_name="echo", tags=["a"])
    flow.add("ChatOutput", input_value=flow.add("ChatInput")["message"])
    return flow


def test_a_saved_flow_runs_and_is_stored(penstock: Penstock, desk: Path) -> None:
    """Its file is one that the other commands take; with an id it is the same flow when it is pushed again."""
    echo("5e1f0f0a-5c63-44cb-8b3b-1c9b7a9d5a10").save("echo.json")
    assert penstock("run", "echo.json", "hello").out == "hello\n"
    assert penstock("flows", "push", "echo.json").out.startswith("created 5e1f0f0a-5c63-44cb-8b3b-1c9b7a9d5a10 Echo œ")
    assert penstock("flows", "push", "echo.json").out.startswith("updated 5e1f0f0a-5c63-44cb-8b3b-1c9b7a9d5a10 Echo œ")


def test_the_same_flow_makes_the_same_bytes(desk: Path) -> None:
    echo().save(desk / "one.json")
    echo().save(desk / "two.json")
    assert (desk / "one.json").read_bytes() == (desk / "two.json").read_bytes()
    saved = json.loads((desk / "one.json").read_text())
    assert (saved["name"], saved["endpoint_name"], saved["tags"], "id" in saved) == ("Echo œ", "echo", ["a"], False)


def test_nothing_is_saved_of_a_flow_that_cannot_run(desk: Path) -> None:
    (desk / "kept.json").write_text("as it was")
    with pytest.raises(FlowRefused):
        Flow("Empty").save(desk / "kept.json")
    assert (desk / "kept.json").read_text() == "as it was"


def test_own_components_can_be_written(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the settings is looked into."""
    (desk / "own").mkdir()
    (desk / "own" / "shout.py").write_text(OWN)
    monkeypatch.setenv("PENSTOCK_COMPONENTS", "own")
    assert Flow("Loud").add("Shout", input_value="hey").id == "Shout-1"
