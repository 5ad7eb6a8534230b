"""The document, and a server with somebody's things in it."""

from typing import Any

import pytest

from tests.web.openapi.conforming import Conformance
from tests.web.rights.conftest import (  # noqa: F401 - the fixtures of the tests of rights, under their names
    guarded,
    http,
    kept,
    lasting,
    people,
    proxy,
    secret_key,
    world,
)
from web.openapi.document import Description
from web.openapi.operations import OPERATIONS
from web.routes import ROUTES


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return Description(ROUTES, OPERATIONS).document


@pytest.fixture(scope="session")
def conformance(document: dict[str, Any]) -> Conformance:
    return Conformance(document)
