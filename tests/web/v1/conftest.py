"""The Langflow SDK as it is installed, and a server for it whose model says what a test lets it say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.deployments import Deployment, embedded
from tests.model_stub import ModelStub
from tests.reading import Client
from tests.services import lacking

if TYPE_CHECKING:
    from langflow_sdk import Client as Sdk


@pytest.fixture(scope="session")
def model() -> Iterator[ModelStub]:
    with ModelStub() as running:
        yield running


@pytest.fixture(scope="session")
def v1_server(model: ModelStub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with embedded(tmp_path_factory.mktemp("v1"), {"PENSTOCK_MODEL_BASE_URL": model.url}) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def plain(v1_server: Deployment) -> Iterator[Client]:
    """The same server without the SDK."""
    with closing(Client(v1_server.url)) as connected:
        yield connected


@pytest.fixture(scope="session")
def sdk(v1_server: Deployment) -> Iterator[Sdk]:
    if find_spec("langflow_sdk") is None:
        lacking("not installed: langflow-sdk")
    from langflow_sdk import Client as Sdk

    with Sdk(v1_server.url) as connected:
        yield connected
