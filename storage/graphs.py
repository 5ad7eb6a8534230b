"""The graphs of stored versions, each read and checked once per process."""

from collections import OrderedDict
from threading import Lock

from flows.graph import Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry
from storage.database import Database
from storage.flow_store import load_version

KEPT = 256
"""Graphs kept per process, the least recently used dropped first."""


class Graphs:
    """Graphs by version id. A version never changes, so neither does its graph; runs share it."""

    def __init__(self, database: Database, registry: Registry, limits: Limits) -> None:
        self._database = database
        self._registry = registry
        self._limits = limits
        self._kept: OrderedDict[str, Graph] = OrderedDict()
        self._lock = Lock()

    def check(self, definition: object) -> Graph:
        """The graph of a definition that is not stored yet. Raises `FlowRefused`."""
        return load_graph(definition, self._registry, self._limits)

    def get(self, version_id: str) -> Graph:
        """The graph of a version. Raises `LookupError`, and `FlowRefused` when it no longer fits this program."""
        with self._lock:
            if version_id in self._kept:
                self._kept.move_to_end(version_id)
                return self._kept[version_id]
        graph = self.check(load_version(self._database, version_id))
        with self._lock:
            self._kept[version_id] = graph
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return graph
