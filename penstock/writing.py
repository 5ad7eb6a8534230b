"""Flows written in Python, of the components that this machine has: `from penstock.writing import Flow`."""

import json
from collections.abc import Sequence
from pathlib import Path

from flows.writing.flow import Flow as AnyFlow
from flows.writing.node import Node as Node
from flows.writing.node import Variable as Variable
from settings import load_settings
from storage.components import load_registry


class Flow(AnyFlow):
    """A flow of Penstock's own components, those of installed packages and those in PENSTOCK_COMPONENTS."""

    def __init__(
        self,
        name: str,
        *,
        id: str | None = None,
        description: str = "",
        endpoint_name: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        registry = load_registry(load_settings().component_sources)
        super().__init__(name, registry, id=id, description=description, endpoint_name=endpoint_name, tags=tags)

    def save(self, path: str | Path) -> None:
        """Writes the export to a file; the same flow makes the same bytes. Raises as `export`, and `OSError`."""
        Path(path).write_text(json.dumps(self.export(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
