"""Real input that stands beside the repository: Langflow's starter projects, component templates and transcripts."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.shapes import Exported

SHARED = Path(__file__).parents[3] / "shared"
MISSING = "nothing"


def shared(*parts: str) -> Path:
    """A file beside the repository. Without it a test is skipped at a desk and fails in CI."""
    path = SHARED.joinpath(*parts)
    if path.exists():
        return path
    reason = f"needs {path.relative_to(SHARED.parent)} beside the repository"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def names(folder: str) -> list[str]:
    """The JSON files of a folder, for a parametrized test; one that `shared` will miss when there are none."""
    return sorted(path.name for path in (SHARED / folder).glob("*.json")) or [MISSING]


def component(name: str) -> Exported:
    """A component as it comes from the editor's palette: `type` and `node`."""
    exported: Exported = json.loads(shared("components", name).read_text())
    return exported


def from_palette(name: str, id: str = "only", **values: Any) -> Exported:
    """A vertex as it is dragged into a flow, with some of its fields filled in."""
    exported = component(name)
    for field, value in values.items():
        exported["node"]["template"][field]["value"] = value
    return {"id": id, "type": "genericNode", "data": {"id": id, **exported}}
