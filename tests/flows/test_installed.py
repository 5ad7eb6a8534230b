"""flows/installed.py: components that installed packages offer."""

import re
import sys
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import pytest

from flows.errors import ComponentsRefused
from flows.installed import GROUP, load_offered

DEFINES = """
from flows.components.text_input import TextInput

class Shout(TextInput):
    types = ("Shout",)

class Whisper(TextInput):
    types = ("Whisper",)
"""


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Offer":
    monkeypatch.syspath_prepend(tmp_path)
    return Offer(tmp_path)


class Offer:
    """Packages of components in a folder that Python looks into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, name: str, content: str) -> None:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def entry(self, package: str, name: str, value: str) -> EntryPoint:
        """An entry point of an installed package."""
        info = self._folder / f"{package}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")
        [found] = Distribution.at(info).entry_points
        return found


def found(*offers: EntryPoint) -> list[tuple[str, str]]:
    """The type and the package of each component that is offered."""
    return [(component.types[0], package) for component, package in load_offered(offers)]


def test_a_package_offers_a_class_or_all_of_a_module(offer: Offer) -> None:
    """In the order of packages, whatever order they are installed in."""
    offer.file("one_voice.py", DEFINES)
    offer.file("two_voices.py", DEFINES)
    entries = offer.entry("b-two", "all", "two_voices"), offer.entry("a-one", "loud", "one_voice:Shout")
    assert found(*entries) == [("Shout", "a-one"), ("Shout", "b-two"), ("Whisper", "b-two")]


def test_a_module_offers_what_it_defines_and_not_what_it_uses(offer: Offer) -> None:
    """What a module inside it defines counts as its own, when it names it."""
    offer.file("voices/loud.py", DEFINES)
    offer.file(
        "voices/__init__.py", "from flows.components.text_input import TextInput\nfrom voices.loud import Shout\n"
    )
    assert found(offer.entry("voices", "all", "voices")) == [("Shout", "voices")]


def test_a_component_that_is_offered_twice_is_one(offer: Offer) -> None:
    offer.file("echoing.py", DEFINES)
    entries = offer.entry("echoing", "one", "echoing:Shout"), offer.entry("echoing", "again", "echoing:Shout")
    assert found(*entries) == [("Shout", "echoing")]


@pytest.mark.parametrize(
    ("content", "value", "reason"),
    [
        ("1 / 0", "faulty_voice", "ZeroDivisionError: division by zero"),
        ("", "absent_voice", "ModuleNotFoundError: No module named 'absent_voice'"),
        ("", "faulty_voice:Shout", "AttributeError: module 'faulty_voice' has no attribute 'Shout'"),
        ("Shout = 1", "faulty_voice:Shout", "it is neither a component class nor a module that defines one"),
        ("", "faulty_voice", "it is neither a component class nor a module that defines one"),
        ("from flows.component import Component", "faulty_voice:Component", "it is neither a component class nor a"),
    ],
)
def test_a_broken_offer_names_its_package(
    offer: Offer, monkeypatch: pytest.MonkeyPatch, content: str, value: str, reason: str
) -> None:
    """Nobody starts with half of their components; who reads it knows what to mend or to uninstall."""
    monkeypatch.delitem(sys.modules, "faulty_voice", raising=False)
    offer.file("faulty_voice.py", content)
    said = f"The package voices offers a component that cannot be used (loud = {value}): {reason}"
    with pytest.raises(ComponentsRefused, match=f"^{re.escape(said)}"):
        load_offered([offer.entry("voices", "loud", value)])
