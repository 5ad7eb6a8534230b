"""Every refusal of `POST /api/v2/workflows`, in the contract's order, and that nothing is stored of what is refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from storage.database import Database
from tests.making import echo_flow
from tests.reading import WORKFLOWS, Client
from tests.shapes import Exported
from tests.web.broken_graphs import BROKEN
from tests.web.refusing import assert_invalid, assert_not_json, assert_refused, changes_nothing

MODES = ("sync", "stream", "background")
LATER = ("stream", "background")
PROTOCOLS = ["agui", "agui-interrupt", "langflow"]
MISSING = "0b105ea0-ccef-46c8-844d-d57373370a52"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


@dataclass(frozen=True)
class Case:
    """A body, `flow_id` of the echo flow where it names none, and how it is refused."""

    body: Mapping[str, Any]
    status: int
    code: str
    more: Mapping[str, Any] = field(default_factory=dict)


CASES: Mapping[str, Case] = {
    "unknown protocol": Case({"stream_protocol": "morse"}, 422, "UNKNOWN_STREAM_PROTOCOL", {"available": PROTOCOLS}),
    "unknown protocol before missing flow": Case(
        {"stream_protocol": "", "flow_id": MISSING}, 422, "UNKNOWN_STREAM_PROTOCOL", {"available": PROTOCOLS}
    ),
    "unknown protocol before fields of another mode": Case(
        {"stream_protocol": "x", "files": []}, 422, "UNKNOWN_STREAM_PROTOCOL", {"available": PROTOCOLS}
    ),
    "missing flow": Case({"flow_id": MISSING}, 404, "FLOW_NOT_FOUND", {"flow_id": MISSING}),
    "missing flow as it was written": Case(
        {"flow_id": MISSING.upper()}, 404, "FLOW_NOT_FOUND", {"flow_id": MISSING.upper()}
    ),
    "missing flow before fields of another mode": Case(
        {"flow_id": MISSING, "files": []}, 404, "FLOW_NOT_FOUND", {"flow_id": MISSING}
    ),
    "sync with all that it does not take": Case(
        {"stop_component_id": "b", "start_component_id": "a", "files": [], "data": {}},
        422,
        "SYNC_MODE_UNSUPPORTED_FIELDS",
        {"fields": ["data", "files", "start_component_id", "stop_component_id"]},
    ),
    **{
        f"sync with {name}": Case({name: value}, 422, "SYNC_MODE_UNSUPPORTED_FIELDS", {"fields": [name]})
        for name, value in {"data": {}, "files": [], "start_component_id": "a", "stop_component_id": "b"}.items()
    },
    "fields of another mode before overrides": Case(
        {"files": [], "tweaks": nested(65)}, 422, "SYNC_MODE_UNSUPPORTED_FIELDS", {"fields": ["files"]}
    ),
    **{
        f"{mode} with output_ids": Case(
            {"mode": mode, "output_ids": ["ChatOutput-b1"]}, 422, "MODE_UNSUPPORTED_FIELDS", {"fields": ["output_ids"]}
        )
        for mode in LATER
    },
    "an output that is not there": Case(
        {"output_ids": ["ChatOutput-b1", "nobody"]}, 422, "UNKNOWN_OUTPUT_IDS", {"available": ["ChatOutput-b1"]}
    ),
    "an output that is not terminal": Case(
        {"output_ids": ["ChatInput-a1"]}, 422, "UNKNOWN_OUTPUT_IDS", {"available": ["ChatOutput-b1"]}
    ),
    "outputs before tweaks": Case(
        {"output_ids": ["nobody"], "tweaks": {"code": ""}}, 422, "UNKNOWN_OUTPUT_IDS", {"available": ["ChatOutput-b1"]}
    ),
    **{
        f"{mode} with deep tweaks": Case(
            {"mode": mode, "tweaks": nested(65)}, 422, "INVALID_REQUEST_OVERRIDES", {"field": "tweaks"}
        )
        for mode in MODES
    },
    **{
        f"{mode} with code by id": Case(
            {"mode": mode, "tweaks": {"ChatInput-a1": {"code": "x"}}},
            422,
            "TWEAKS_REFUSED",
            {"fields": ["ChatInput-a1.code"]},
        )
        for mode in MODES
    },
    "code by display name": Case(
        {"tweaks": {"Chat Input": {"code": {"value": "x"}}}}, 422, "TWEAKS_REFUSED", {"fields": ["ChatInput-a1.code"]}
    ),
    "code everywhere": Case(
        {"tweaks": {"code": "x"}}, 422, "TWEAKS_REFUSED", {"fields": ["ChatOutput-b1.code", "ChatInput-a1.code"]}
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refusals(client: Client, stored: Database, echo: str, case: Case) -> None:
    """Each has its status, its code and its keys, and leaves no trace."""
    with changes_nothing(stored):
        answer = client.http.post(WORKFLOWS, json={"flow_id": echo, **case.body})
    assert_refused(answer, case.status, case.code, **case.more)


INVALID: Mapping[str, tuple[Mapping[str, Any], str, tuple[str | int, ...]]] = {
    "an extra field": ({"colour": "red"}, "extra_forbidden", ("body", "colour")),
    "an endpoint name for an id": ({"flow_id": "my-flow"}, "value_error", ("body",)),
    "an empty id": ({"flow_id": ""}, "value_error", ("body",)),
    "an id with NUL": ({"flow_id": f"{MISSING}\0"}, "value_error", ("body",)),
    "a number for an id": ({"flow_id": 7}, "string_type", ("body", "flow_id")),
    "an unknown mode": ({"mode": "later"}, "enum", ("body", "mode")),
    "no protocol": ({"stream_protocol": None}, "string_type", ("body", "stream_protocol")),
    "a number for the input": ({"input_value": 7}, "string_type", ("body", "input_value")),
    "an input with NUL": ({"input_value": "a\0b"}, "value_error", ("body", "input_value")),
    "tweaks that are no object": ({"tweaks": []}, "dict_type", ("body", "tweaks")),
    "data that are no object": ({"mode": "stream", "data": []}, "dict_type", ("body", "data")),
    "files that are no list": ({"mode": "stream", "files": "a"}, "list_type", ("body", "files")),
    "a long session id": ({"session_id": "s" * 513}, "string_too_long", ("body", "session_id")),
    "a session id with NUL": ({"session_id": "\0"}, "value_error", ("body", "session_id")),
    "an empty key": ({"idempotency_key": ""}, "string_too_short", ("body", "idempotency_key")),
    "a long key": ({"idempotency_key": "k" * 256}, "string_too_long", ("body", "idempotency_key")),
    "a global without a name": ({"globals": {"": "x"}}, "string_too_short", ("body", "globals", "", "[key]")),
    "a global with a long name": (
        {"globals": {"N" * 257: "x"}},
        "string_too_long",
        ("body", "globals", "N" * 257, "[key]"),
    ),
    "a global with a long value": ({"globals": {"N": "x" * 65_537}}, "string_too_long", ("body", "globals", "N")),
    "a global that is no text": ({"globals": {"N": 7}}, "string_type", ("body", "globals", "N")),
    "a global with NUL": ({"globals": {"N": "a\0b"}}, "value_error", ("body", "globals", "N")),
    "too many globals": ({"globals": {f"N{n}": "x" for n in range(101)}}, "too_long", ("body", "globals")),
    "too many files": ({"mode": "stream", "files": ["a"] * 101}, "too_long", ("body", "files")),
    "a file with a long name": ({"mode": "stream", "files": ["a" * 513]}, "string_too_long", ("body", "files", 0)),
    "too many outputs": ({"output_ids": ["a"] * 1_001}, "too_long", ("body", "output_ids")),
    "an output with a long name": ({"output_ids": ["a" * 513]}, "string_too_long", ("body", "output_ids", 0)),
}


@pytest.mark.parametrize(("body", "kind", "place"), INVALID.values(), ids=INVALID)
def test_bodies_that_do_not_fit(
    client: Client, stored: Database, echo: str, body: Mapping[str, Any], kind: str, place: tuple[str | int, ...]
) -> None:
    """Each fault is told with its kind and its place, before the flow is looked for."""
    with changes_nothing(stored):
        answer = client.http.post(WORKFLOWS, json={"flow_id": echo, **body})
    assert_invalid(answer, kind, *place)


def test_the_words_for_what_is_no_uuid(client: Client) -> None:
    """The fault of a flow id has the contract's words."""
    [fault] = client.run("my-flow").json()["detail"]
    assert fault["msg"].endswith("Invalid flow_id, must be a UUID")


def test_a_body_without_a_flow(client: Client, stored: Database) -> None:
    """The one field that is required is asked for."""
    with changes_nothing(stored):
        assert_invalid(client.http.post(WORKFLOWS, json={}), "missing", "body", "flow_id")


@pytest.mark.parametrize(
    "number",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        '"\\ud800"',
        '{"\\udfff": 1}',
        "01",
        "[1,]",
        str(2**64),
        str(-(2**63) - 1),
    ],
)
def test_what_is_not_json(client: Client, stored: Database, echo: str, number: str) -> None:
    """What JSON cannot say, and a text that is no text, is refused as malformed wherever it stands."""
    body = f'{{"flow_id": "{echo}", "tweaks": {{"x": {number}}}}}'
    with changes_nothing(stored):
        answer = client.http.post(WORKFLOWS, content=body)
    assert_not_json(answer)


@pytest.mark.parametrize("mode", LATER)
@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_graphs_that_cannot_run(client: Client, stored: Database, echo: str, mode: str, data: Exported) -> None:
    """A graph that comes with the request is refused before anything is stored, as one that is uploaded is."""
    with changes_nothing(stored):
        answer = client.http.post(WORKFLOWS, content=json.dumps({"flow_id": echo, "mode": mode, "data": data}))
    assert_refused(answer, 400, "INVALID_FLOW_DATA", flow_id=echo)


def test_what_lies_on_the_bounds_is_taken(client: Client, echo: str) -> None:
    """The longest names and values and the deepest tweaks are not refused."""
    body = {
        "globals": {"N" * 256: "x" * 65_536},
        "session_id": "s" * 512,
        "tweaks": nested(64),
        "output_ids": ["ChatOutput-b1"],
    }
    assert client.run(echo, **body).json()["status"] == "completed"


@pytest.mark.parametrize("mode", LATER)
def test_no_output_ids_are_taken_in_every_mode(client: Client, echo: str, mode: str) -> None:
    """An empty list of outputs is as good as none."""
    assert client.run(echo, mode=mode, output_ids=[]).status_code == 200


def test_a_key_for_another_request(client: Client, stored: Database, echo: str) -> None:
    """The same key with another request is refused, naming the job that has it; nothing of it is stored."""
    key = str(uuid4())
    job_id = client.submit(echo, input_value="once", idempotency_key=key)
    client.events(job_id)
    with changes_nothing(stored):
        answer = client.run(echo, mode="background", input_value="twice", idempotency_key=key)
        with_data = client.run(echo, mode="background", data=_renamed(key), idempotency_key=key)
    for refused in (answer, with_data):
        assert_refused(refused, 409, "DUPLICATE_REQUEST", job_id=job_id)


def _renamed(name: str) -> Exported:
    """A graph that no other test has stored."""
    exported = echo_flow()
    exported["nodes"][0]["data"]["node"]["display_name"] = name
    return exported
