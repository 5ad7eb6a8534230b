"""Searches for a body that the server does not answer for itself: whatever is sent, nothing is a 5xx (I10)."""

import json
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.states import Mode
from tests.making import echo_flow, export_file, router_flow
from tests.reading import FLOWS, PATIENCE, WORKFLOWS, Client

SEARCH = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
HOSTILE = st.sampled_from(["", "\0", "\ud800", "œ", "ChatInput-a1", "code", "{x}", "1" * 400, 2**63, -(2**64), 1e308])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | HOSTILE
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_GONE = object()


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a document, itself included."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for name, value in inner for place in places(value, (*path, name)))]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with what stands at a path replaced or taken away."""
    if not path:
        return document if value is _GONE else value
    name, *rest = path
    items = list(document.items()) if isinstance(document, dict) else list(enumerate(document))
    kept = [(key, changed(old, tuple(rest), value) if key == name else old) for key, old in items]
    if value is _GONE and not rest:
        kept = [(key, old) for key, old in kept if key != name]
    return dict(kept) if isinstance(document, dict) else [old for _, old in kept]


@st.composite
def mutations(draw: st.DrawFn, make: Callable[[], Any]) -> Any:
    """A document with up to three things in it replaced, moved or taken away."""
    document = make()
    for _ in range(draw(st.integers(1, 3))):
        found = places(document)
        parts = [_at(document, path) for path in found]
        value = draw(DOCUMENTS | st.just(_GONE) | st.sampled_from(parts))
        document = changed(document, draw(st.sampled_from(found)), value)
    return document


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def run_body() -> dict[str, Any]:
    return {
        "flow_id": "THE FLOW",
        "input_value": "yes",
        "tweaks": {"ChatInput-a1": {"sender_name": "Somebody"}, "Chat Output": {"sender_name": {"value": "x"}}},
        "session_id": "s",
        "mode": "background",
        "stream_protocol": "langflow",
        "expose_graph_state": False,
        "data": router_flow(),
        "files": ["https://example.org/a.png"],
        "start_component_id": "ChatInput-a1",
        "stop_component_id": "ChatOutput-yes",
        "output_ids": [],
        "globals": {"A": "x"},
        "idempotency_key": None,
    }


def sent(document: Any, flow_id: str = "") -> bytes:
    return json.dumps(document).replace("THE FLOW", flow_id).encode()


@SEARCH
@given(document=DOCUMENTS)
def test_any_json_to_run(client: Client, document: Any) -> None:
    """Any JSON at all is answered with a refusal."""
    assert client.http.post(WORKFLOWS, content=sent(document)).status_code == 422


@SEARCH
@given(document=DOCUMENTS)
def test_any_json_as_a_flow(client: Client, document: Any) -> None:
    """Any JSON at all is refused, as a flow and as the definition of one."""
    assert client.http.post(FLOWS, content=sent(document)).status_code == 422
    definition = sent({"name": "any", "data": document})
    assert client.http.post(FLOWS, content=definition).status_code in (400, 422)


@SEARCH
@given(document=mutations(lambda: export_file(echo_flow())))
def test_nearly_a_flow(client: Client, document: Any) -> None:
    """An export that is wrong somewhere is refused, or stored and read back."""
    answer = client.http.post(FLOWS, content=sent(document))
    assert answer.status_code in (201, 400, 409, 422), answer.text
    if answer.status_code == 201:
        assert client.http.get(f"{FLOWS}{answer.json()['id']}").json() == answer.json()


@SEARCH
@given(document=mutations(run_body))
def test_nearly_a_run(client: Client, echo: str, document: Any) -> None:
    """A request that is wrong somewhere is refused, or it is a job that comes to its end."""
    answer = client.http.post(WORKFLOWS, content=sent(document, echo))
    assert answer.status_code in (200, 400, 404, 409, 422), answer.text
    if answer.headers["content-type"] == "application/json" and answer.json().get("object") == "job":
        _wait_until_over(client, answer.json()["job_id"])


@SEARCH
@given(tweaks=st.dictionaries(st.sampled_from(["ChatInput-a1", "Chat Output", "session_id", "files"]), DOCUMENTS))
def test_any_tweaks(client: Client, echo: str, tweaks: Any) -> None:
    """A field may be overridden with anything: the run completes or fails, and says so."""
    answer = client.http.post(WORKFLOWS, content=sent({"flow_id": echo, "mode": Mode.SYNC, "tweaks": tweaks}))
    assert answer.status_code in (200, 422), answer.text


def _wait_until_over(client: Client, job_id: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while client.job(job_id)["finished_at"] is None:
        assert time.monotonic() < deadline, f"job {job_id} does not come to its end"
