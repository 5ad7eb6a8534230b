"""Everything here needs penstock[lfx], which the environment of the other tests does not have."""

from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = pytest.mark.skip(reason="penstock[lfx] is not installed; `make test-lfx` has it")
    # What lfx and its libraries warn of when they are imported is theirs.
    quiet = pytest.mark.filterwarnings("ignore")
    for item in items:
        if HERE in item.path.parents:
            for marker in (pytest.mark.lfx, quiet, *(() if find_spec("lfx") else (lacking,))):
                item.add_marker(marker)
