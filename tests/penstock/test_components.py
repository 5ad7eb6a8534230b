"""penstock/commands/components.py: which components there are, and what each of them takes and gives."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.penstock.conftest import Penstock

SHOUT = '''
from typing import Any, ClassVar
from flows.component import Component, Effect, Inputs, Outputs, Port, Secret, Text
from flows.context import VertexContext

class ShoutFields(Inputs):
    text: Text
    loud: bool = True
    key: Secret = "canary"

class Shout(Component[ShoutFields]):
    """Says it in capitals."""

    types = ("Shout",)
    inputs = ShoutFields
    outputs: ClassVar = {"said": Port(("Message",))}
    effect = Effect.ONCE

    def build(self, inputs: ShoutFields, context: VertexContext) -> Outputs:
        return {}
'''


@pytest.fixture
def own(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a component of one's own, which the settings name."""
    folder = desk / "own"
    folder.mkdir()
    (folder / "shout.py").write_text(SHOUT)
    monkeypatch.setenv("PENSTOCK_COMPONENTS", "own")
    return folder


@pytest.fixture
def package(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers a component."""
    site = desk / "site"
    info = site / "shouting-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[penstock.components]\nall = shouting_of_a_package\n")
    (site / "shouting_of_a_package.py").write_text(SHOUT)
    monkeypatch.syspath_prepend(site)
    return site


def test_the_list_tells_effect_way_and_origin(penstock: Penstock, own: Path) -> None:
    """One line for each type name, sorted, Penstock's own among them; it makes nothing, not even a data folder."""
    said = penstock("components", "list")
    lines = [tuple(line.split("\t")) for line in said.lines]
    assert ("Shout", "once", "plain", "own/shout.py") in lines
    assert ("APIRequest", "once", "async", "penstock") in lines
    assert ("Prompt Template", "pure", "async", "penstock") in lines
    assert lines == sorted(lines)
    assert not (own.parent / ".penstock").exists()


def test_the_list_as_json(penstock: Penstock, own: Path) -> None:
    listed = json.loads(penstock("components", "list", "--json").out)
    assert {"type": "Shout", "effect": "once", "is_async": False, "from": "own/shout.py"} in listed


def test_a_component_of_a_package_comes_from_it(penstock: Penstock, package: Path) -> None:
    assert "Shout\tonce\tplain\tpackage shouting" in penstock("components", "list").lines


def test_a_package_that_cannot_be_loaded_is_one_line(penstock: Penstock, package: Path) -> None:
    """It names the package, for every command that needs the components."""
    (package / "shouting-1.0.dist-info" / "entry_points.txt").write_text("[penstock.components]\nall = shouting_gone\n")
    for command in (("components", "list"), ("flows", "list")):
        said = penstock(*command)
        assert (said.code, said.out) == (2, "")
        assert said.err == (
            "The package shouting offers a component that cannot be used (all = shouting_gone): "
            "ModuleNotFoundError: No module named 'shouting_gone'. Mend the package, or uninstall it.\n"
        )


def test_two_components_of_one_type_are_one_line(penstock: Penstock, own: Path) -> None:
    (own / "another.py").write_text(SHOUT)
    said = penstock("components", "list")
    assert (said.code, said.err) == (
        2,
        "Two components are called 'Shout': own_components_another.Shout and own_components_shout.Shout. "
        "Give one of them another type.\n",
    )


@pytest.mark.skipif(find_spec("lfx") is not None, reason="lfx is installed")
def test_without_lfx_its_components_are_one_line(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_LFX", "CombineText")
    said = penstock("components", "list")
    assert (said.code, said.err) == (
        2, "PENSTOCK_LFX is set, and the package lfx is not installed. Install penstock[lfx], or unset it.\n"
    )  # fmt: skip


def test_a_component_is_shown_whole(penstock: Penstock, own: Path) -> None:
    """What it is, its fields with types and defaults, its outputs; never what a secret holds."""
    said = penstock("components", "show", "Shout")
    assert said.lines[0] == "Shout: Says it in capitals."
    assert "effect once, plain, from own/shout.py" in said.lines
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in said.lines if line.startswith("│")]
    assert rows == [
        ["text", "str", "(required)", "Message"],
        ["loud", "bool", "true", ""],
        ["key", "password", "null", ""],
        ["said", "Message"],
    ]


def test_a_component_is_shown_as_json(penstock: Penstock, own: Path) -> None:
    shown = json.loads(penstock("components", "show", "Shout", "--json").out)
    assert [field["name"] for field in shown["fields"]] == ["text", "loud", "key"]
    assert (shown["description"], shown["outputs"]) == ("Says it in capitals.", {"said": ["Message"]})
    assert "canary" not in json.dumps(shown)


def test_every_built_in_component_can_be_shown(penstock: Penstock) -> None:
    for line in penstock("components", "list").lines:
        assert penstock("components", "show", line.split("\t")[0]).code == 0


@pytest.mark.parametrize(
    ("name", "advice"),
    [("chatinput", "Did you mean ChatInput"), ("Zebra", "`penstock components list` shows all.")],
)
def test_an_unknown_type_is_refused_with_what_is_like_it(penstock: Penstock, name: str, advice: str) -> None:
    said = penstock("components", "show", name)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"There is no component {name}. {advice}")
