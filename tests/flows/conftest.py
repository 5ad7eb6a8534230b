"""What the tests of `flows` share: the built-in components and graphs of them."""

from collections.abc import Callable

import pytest

import flows.components
from flows.graph import Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from tests.shapes import Exported


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The built-in components."""
    return Registry(discover(flows.components))


@pytest.fixture(scope="session")
def load(registry: Registry) -> Callable[[Exported], Graph]:
    """Makes a graph of built-in components."""
    return lambda exported: load_graph(exported, registry, Limits())
