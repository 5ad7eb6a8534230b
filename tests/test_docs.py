"""What the documentation shows is true."""

import asyncio
import re
from pathlib import Path
from types import ModuleType

import pytest

import flows.components
from flows.graph import load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.values import Message
from tests.flows.running import RecordingJournal, build
from tests.making import edge, flow, node
from tests.shapes import SHAPES

ROOT = Path(__file__).parent.parent


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.fixture
def shown_component() -> ModuleType:
    """The module that the page on architecture shows as the file of a new component."""
    [source] = python_blocks("docs/architecture.md")
    module = ModuleType("flows.components.shout")
    exec(source, module.__dict__)  # noqa: S102 - it is our own page
    return module


def test_the_shown_component_runs(shown_component: ModuleType) -> None:
    """The component of the page builds its vertex when its class is registered."""
    registry = Registry([*discover(flows.components), shown_component.Shout])
    said, shout = node("ChatInput", "in"), node("Shout", "shout", shape=SHAPES["TextOutput"])
    graph = load_graph(flow([said, shout], [edge(said, "message", shout, "input_value")]), registry, Limits())
    journal = RecordingJournal()
    asyncio.run(build(graph, journal))
    assert journal.outputs("shout")["text"] == Message("HELLO")


def test_every_component_is_listed() -> None:
    """The page on architecture names every type that runs here, and no other."""
    page = (ROOT / "docs/architecture.md").read_text()
    table = page[page.index("## Components") : page.index("### Adding one")]
    listed = set(re.findall(r"`([A-Z]\w+(?: Template)?|parser)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.M))))
    assert listed == set(Registry(discover(flows.components)).types())


def test_every_named_file_exists() -> None:
    """A file that a page names is there."""
    for page in ("README.md", "docs/architecture.md"):
        for name in re.findall(r"`((?:flows|storage|actors|web|penstock|docs)/[\w/]+\.\w+)", (ROOT / page).read_text()):
            assert (ROOT / name).exists(), f"{page} names {name}"
