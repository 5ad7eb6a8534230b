"""What all tests of agents share."""

from functools import cache

import httpx2
import pytest


@pytest.fixture(autouse=True)
def _certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them is most of the time of a pass, and agents run in many."""
    monkeypatch.setattr("flows.outbound.transport.create_ssl_context", _create_ssl_context)


_create_ssl_context = cache(httpx2.create_ssl_context)
