"""docs/: what a page tells its reader to do comes out as it says."""

import tomllib
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

import pytest

from flows.component import Component
from flows.installed import GROUP, load_offered
from tests.docs.following import blocks_of, reading
from tests.services import lacking


@pytest.mark.parametrize("page", ["client.md", "components.md", "flows-as-code.md", "langflow-sdk.md"])
def test_a_page_can_be_followed(page: str, tmp_path: Path) -> None:
    """Every file, script and command of it, in its order, in an empty folder."""
    if page == "langflow-sdk.md" and find_spec("langflow_sdk") is None:
        lacking("not installed: langflow-sdk")
    with reading(tmp_path) as reader:
        for block in blocks_of(page):
            reader.follow(block)


def test_the_package_of_the_page_offers_its_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry points that the page writes down lead to the components that it shows."""
    for block in blocks_of("components.md"):
        if block.file is not None and block.file.startswith(("components/", "pyproject")):
            path = tmp_path / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.content)
    monkeypatch.syspath_prepend(tmp_path)
    offered = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    found = load_offered(EntryPoint(name, value, GROUP) for name, value in offered.items())
    assert {component.types for component, _ in found} == {("WordCount",), ("CountPrimes",)}
    assert all(issubclass(component, Component) for component, _ in found)
