"""Whatever answers, a client says so in its own words."""

import httpx
import pytest

from penstock.client import Client
from penstock.client.errors import PenstockError

ANSWERS = {
    "a redirection to nowhere": httpx.Response(302),
    "nothing that is new": httpx.Response(304),
    "faults that are no faults": httpx.Response(422, json={"detail": ["nonsense"]}),
    "absurd nesting": httpx.Response(500, content=b"[" * 100_000),
    "what is packed in no way": httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_no_penstock_gives(kind: str) -> None:
    """It is a `PenstockError`, and no other."""
    transport = httpx.MockTransport(lambda request: ANSWERS[kind])
    with Client("http://example.com", patience=0, transport=transport) as client, pytest.raises(PenstockError):
        client.flows()
