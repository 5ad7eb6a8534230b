"""flows/registry.py: which component builds which vertex type."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

import flows.components
from flows.component import AnyComponent
from flows.components.prompt import Prompt
from flows.errors import ComponentsRefused, UnknownComponents
from flows.registry import Registry, discover, discover_in
from tests.flows.steps import pass_on, step_type


def test_every_type_name_of_a_component_leads_to_it() -> None:
    registry = Registry([Prompt])
    assert registry.types() == ["Prompt", "Prompt Template"]
    assert isinstance(registry.component("Prompt Template"), Prompt)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownComponents, match=r"^Unknown component types: Zebra\.$"):
        Registry([Prompt]).component("Zebra")


def test_unknown_types_are_told_sorted_and_once() -> None:
    assert Registry([Prompt]).unknown(["Zebra", "Prompt", "Ark", "Zebra"]) == ["Ark", "Zebra"]


def test_two_components_with_one_name_are_a_mistake() -> None:
    said = r"^Two components are called 'Step': abc\.Step and abc\.Step\. Give one of them another type\.$"
    with pytest.raises(ComponentsRefused, match=said):
        Registry([step_type(pass_on), step_type(pass_on)])


_DEFINES = """
from flows.components.text_input import TextInput

class Shout(TextInput):
    types = ("Shout",)
"""


def test_a_component_is_found_where_it_is_defined_and_only_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where a module imports it, and never as the abstract class."""
    package = tmp_path / "found_components"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "defining.py").write_text(_DEFINES)
    (package / "importing.py").write_text("from flows.component import Component\nfrom .defining import Shout\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = discover(importlib.import_module("found_components"))
    assert [component.types for component in found] == [("Shout",)]


def test_a_package_without_modules_has_no_components() -> None:
    empty = ModuleType("empty")
    empty.__path__ = []
    assert discover(empty) == []


def test_the_files_of_a_folder_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Each with what it defines itself; what is no Python file is left alone."""
    (tmp_path / "zebra.py").write_text(_DEFINES.replace("Shout", "Whisper"))
    (tmp_path / "ark.py").write_text(_DEFINES)
    (tmp_path / "notes.txt").write_text("not a component")
    found = discover_in(tmp_path)
    assert [component.types for component in found] == [("Shout",), ("Whisper",)]
    assert Registry(found).types() == ["Shout", "Whisper"]


def test_a_file_of_one_s_own_hides_no_module(tmp_path: Path) -> None:
    """It may be called as a module that everybody imports."""
    (tmp_path / "json.py").write_text(_DEFINES)
    assert [component.types for component in discover_in(tmp_path)] == [("Shout",)]
    assert importlib.import_module("json").dumps({}) == "{}"


def test_an_empty_folder_has_no_components(tmp_path: Path) -> None:
    assert discover_in(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "error"),
    [("def broken(", SyntaxError), ("import nowhere", ModuleNotFoundError), ("1 / 0", ArithmeticError)],
)
def test_a_file_that_cannot_be_loaded_says_why(tmp_path: Path, content: str, error: type[Exception]) -> None:
    """Nobody starts with half of their components."""
    (tmp_path / "broken.py").write_text(content)
    with pytest.raises(error):
        discover_in(tmp_path)


@pytest.mark.parametrize("component", discover(flows.components))
def test_every_built_in_component_can_be_made_and_says_what_it_is(component: type[AnyComponent]) -> None:
    made = component()
    assert made.types
    assert all(port.types for port in made.outputs.values())
    assert component.__doc__
