"""Real input that stands beside the repository: Langflow's starter projects, component templates and transcripts."""

import os
from pathlib import Path

import pytest

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
