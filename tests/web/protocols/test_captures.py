"""A streamed echo run beside the transcripts of a real Langflow server: the same events with the same keys."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.reading import WORKFLOWS, Client
from tests.web.sse_parser import events

CAPTURES = Path(__file__).parents[4] / "shared" / "captures"
ADDED: Mapping[str, set[str]] = {"end": {"data.status: str"}}
"""What Penstock sends beside the contract, by event."""


def transcript(name: str) -> bytes:
    path = CAPTURES / name
    if not path.exists():
        reason = f"{name} lies beside the repository, and is not there"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return path.read_bytes().rstrip() + b"\n\n"


def frames(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(event["data"]) for event in events(stream)]


def paths(value: Any, path: str = "") -> set[str]:
    """Every key of a document by its path, with the type of what stands there."""
    if isinstance(value, dict):
        return {found for name, inner in value.items() for found in paths(inner, f"{path}.{name}".lstrip("."))}
    if isinstance(value, list):
        return {f"{path}: list", *(found for inner in value for found in paths(inner, f"{path}[]"))}
    return {f"{path}: {type(value).__name__}"}


@pytest.mark.parametrize("exposed", [None, False])
def test_an_echo_run_reads_as_it_was_captured(client: Client, echo: str, exposed: bool | None) -> None:
    """Events in the captured order; under each key a value of the captured type."""
    captured = frames(transcript(f"stream_langflow_{exposed}.txt"))
    body = {
        "flow_id": echo,
        "mode": "stream",
        "input_value": "hello",
        "session_id": "s2",
        "expose_graph_state": exposed,
    }
    sent = frames(client.http.post(WORKFLOWS, json=body).content)
    assert [frame["event"] for frame in sent] == [frame["event"] for frame in captured]
    for ours, theirs in zip(sent, captured, strict=True):
        assert paths(ours) - paths(theirs) == ADDED.get(ours["event"], set()), ours["event"]
        assert paths(theirs) - paths(ours) == set(), ours["event"]


@pytest.mark.parametrize("exposed", [None, False])
def test_an_echo_run_says_what_was_captured(client: Client, echo: str, exposed: bool | None) -> None:
    """The messages and the output have the captured values wherever these are not ids or times."""
    captured = frames(transcript(f"stream_langflow_{exposed}.txt"))
    body = {"flow_id": echo, "mode": "stream", "input_value": "hello", "session_id": "s2"}
    answer = client.http.post(WORKFLOWS, json={**body, "expose_graph_state": exposed})
    sent = frames(answer.content)
    for ours, theirs in zip(sent, captured, strict=True):
        if ours["event"] == "output":
            assert ours == theirs
        if ours["event"] == "add_message":
            assert _timeless(ours["data"]) == _timeless(theirs["data"])


def _timeless(message: dict[str, Any]) -> dict[str, Any]:
    unlike = ("id", "flow_id", "run_id", "timestamp", "session_metadata")
    kept = {name: value for name, value in message.items() if name not in unlike}
    return {**kept, "data": _timeless(kept["data"])} if "data" in kept else kept
