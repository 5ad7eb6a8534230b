"""Runs as the Langflow SDK asks for them: what it makes of the answers, of the lines and of the errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.deployments import Deployment
from tests.making import approval_flow, echo_flow, edge, failing_flow, flow, model_flow, node
from tests.model_stub import ModelStub
from tests.reading import PATIENCE, Client
from tests.web.refusing import assert_invalid, assert_refused

if TYPE_CHECKING:
    from langflow_sdk import Client as Sdk

RUN = "/api/v1/run/"
MISSING = "0b105ea0-ccef-46c8-844d-d57373370a52"


@pytest.fixture(scope="module")
def echo(plain: Client) -> str:
    return plain.store(echo_flow())


@pytest.fixture
def stored(plain: Client) -> Callable[..., str]:
    return plain.store


@contextmanager
def held(model: ModelStub) -> Iterator[Event]:
    """A model that says its first token, and the rest when the event is set, or the block is left."""
    goes_on = Event()
    model.before_token = lambda index: goes_on.wait(PATIENCE) if index else None
    try:
        yield goes_on
    finally:
        goes_on.set()
        model.before_token = lambda index: None


def test_a_run_is_answered_with_its_text(sdk: Sdk, echo: str) -> None:
    """The helpers of the response find it, and say that the run came to its end."""
    answer = sdk.run(echo, "hello")
    assert answer.first_text_output() == answer.get_chat_output() == "hello"
    assert (answer.all_text_outputs(), answer.session_id) == (["hello"], echo)
    assert answer.is_completed()
    assert not answer.is_failed()


def test_a_flow_is_found_by_its_endpoint_name(sdk: Sdk) -> None:
    """As by its id."""
    from langflow_sdk import FlowCreate

    name = f"echo-{uuid4()}"
    sdk.create_flow(FlowCreate(name="echo", data=echo_flow(), endpoint_name=name))
    assert sdk.run(name, "by name").first_text_output() == "by name"


def test_the_text_of_a_text_output_is_found(sdk: Sdk, stored: Callable[..., str]) -> None:
    """Its result is asked for with type `text`, and its input may be given to a TextInput."""
    said, shown = node("TextInput", "TextInput-a1", input_value="stored"), node("TextOutput", "TextOutput-b1")
    flow_id = stored(flow([said, shown], [edge(said, "text", shown, "input_value")]))
    answer = sdk.run(flow_id, "given", input_type="text", output_type="text")
    assert answer.first_text_output() == "given"
    assert sdk.run(flow_id, "given", output_type="text").first_text_output() == "stored"
    assert sdk.run(flow_id, "given").all_text_outputs() == []


def test_which_results_are_told(plain: Client, echo: str) -> None:
    """All of them in debugging, one by its id; an id that is none is refused."""

    def told(**body: Any) -> list[str]:
        answer = plain.http.post(f"{RUN}{echo}", json={"input_value": "x", **body})
        return [result["component_id"] for result in answer.json()["outputs"][0]["outputs"]]

    assert told() == told(output_type="any") == ["ChatOutput-b1"]
    assert told(output_type="debug") == ["ChatInput-a1", "ChatOutput-b1"]
    assert told(output_component="ChatInput-a1") == ["ChatInput-a1"]
    refused = plain.http.post(f"{RUN}{echo}", json={"output_component": "nothing"})
    assert_refused(refused, 422, "UNKNOWN_OUTPUT_IDS", available=["ChatOutput-b1", "ChatInput-a1"])


def test_the_shape_of_an_answer(plain: Client, echo: str) -> None:
    """Langflow's keys, and the text where its documentation looks for it."""
    answer = plain.http.post(f"{RUN}{echo}", json={"input_value": "x", "session_id": "s"}).json()
    [run] = answer["outputs"]
    [result] = run["outputs"]
    assert (answer["session_id"], run["inputs"]) == ("s", {"input_value": "x"})
    assert result["results"]["message"]["data"]["text"] == result["outputs"]["message"]["message"] == "x"
    [message] = result["messages"]
    assert (message["message"], message["sender"], message["component_id"]) == ("x", "Machine", "ChatOutput-b1")
    assert plain.job(answer["job_id"])["status"] == "completed"


def test_tweaks_and_no_body(sdk: Sdk, plain: Client, stored: Callable[..., str]) -> None:
    """Tweaks reach their component; a run may be asked for without a word."""
    said, shown = node("TextInput", "TextInput-a1", input_value="stored"), node("ChatOutput", "ChatOutput-b1")
    flow_id = stored(flow([said, shown], [edge(said, "text", shown, "input_value")]))
    assert sdk.run(flow_id, tweaks={"TextInput-a1": {"input_value": "tweaked"}}).first_text_output() == "tweaked"
    assert (
        plain.http.post(f"{RUN}{flow_id}").json()["outputs"][0]["outputs"][0]["results"]["message"]["text"] == "stored"
    )


def test_a_stream_tells_the_answer_as_it_comes(sdk: Sdk, model: ModelStub, stored: Callable[..., str]) -> None:
    """Tokens, then the message as a whole, then the response of a run that was not streamed."""
    chunks = list(sdk.stream(stored(model_flow()), "hi"))
    assert [chunk.text for chunk in chunks if chunk.is_token] == list(model.tokens)
    assert [chunk.text for chunk in chunks if chunk.event == "add_message"][-1] == model.answer
    *_, last = chunks
    response = last.final_response()
    assert response is not None
    assert last.is_end
    assert response.first_text_output() == model.answer
    assert not any(chunk.is_error for chunk in chunks)


def test_the_lines_of_a_stream(plain: Client, echo: str) -> None:
    """`?stream=true` is the same as the field; each line is one object, and no line is a server-sent event."""
    answer = plain.http.post(f"{RUN}{echo}", params={"stream": "true"}, json={"input_value": "x"})
    lines = [json.loads(line) for line in answer.text.splitlines() if line]
    assert {tuple(sorted(line)) for line in lines} == {("data", "event")}
    assert [line["event"] for line in lines] == ["add_message", "end_vertex", "add_message", "end_vertex", "end"]


def test_both_clients_run_at_once(sdk: Sdk, v1_server: Deployment, echo: str, stored: Callable[..., str]) -> None:
    """The asynchronous client runs, streams, and waits for what it has begun in the background."""
    from langflow_sdk import AsyncClient

    async def run() -> tuple[str | None, list[str | None]]:
        async with AsyncClient(v1_server.url) as client:
            job = await client.run_background(echo, "behind")
            streamed = [chunk async for chunk in client.stream(echo, "streamed")]
            response = await job.wait_for_completion(timeout=PATIENCE)
            assert job.is_completed()
            end = streamed[-1].final_response()
            return response.get_chat_output(), [
                end and end.first_text_output(),
                (await client.run(echo, "z")).first_text_output(),
            ]

    assert asyncio.run(run()) == ("behind", ["streamed", "z"])


def test_a_run_that_fails(sdk: Sdk, stored: Callable[..., str]) -> None:
    """It is told what went wrong, without a traceback; a stream ends with it."""
    from langflow_sdk import LangflowHTTPError

    flow_id = stored(failing_flow())
    with pytest.raises(LangflowHTTPError) as failed:
        sdk.run(flow_id, "x")
    detail: Any = failed.value.detail
    assert (failed.value.status_code, detail["code"]) == (500, "EXECUTION_ERROR")
    assert "resembles" in detail["message"]
    assert "Traceback" not in str(detail)
    *_, last = sdk.stream(flow_id, "x")
    assert last.is_error
    assert last.data["error"] == detail["message"]


def test_a_flow_that_asks_people_is_refused(sdk: Sdk, plain: Client, stored: Callable[..., str]) -> None:
    """Before anything runs: this way has no word for a question (contract 4.1)."""
    from langflow_sdk import LangflowHTTPError

    flow_id = stored(approval_flow())
    for ask in (lambda: sdk.run(flow_id, "x"), lambda: list(sdk.stream(flow_id, "x"))):
        with pytest.raises(LangflowHTTPError) as refused:
            ask()
        detail: Any = refused.value.detail
        assert (refused.value.status_code, detail["code"]) == (400, "HUMAN_INPUT_REQUIRED")
        assert "/api/v2/workflows" in detail["message"]
    assert plain.http.get("/api/v2/workflows/jobs", params={"flow_id": flow_id}).json()["jobs"] == []


def test_a_run_that_comes_to_stand_still(plain: Client, model: ModelStub, stored: Callable[..., str]) -> None:
    """What the flow itself does not tell: the caller hears of the job, which goes on when somebody lets it."""
    path = f"{RUN}{stored(model_flow())}"
    with held(model) as goes_on, plain.http.stream("POST", path, json={"stream": True}) as answer:
        job_id, lines = answer.headers["X-Job-Id"], answer.iter_lines()
        next(line for line in lines if line and json.loads(line)["event"] == "token")
        assert plain.pause(job_id).status_code == 200
        goes_on.set()
        *_, last = (json.loads(line) for line in lines if line)
    assert (last["event"], last["data"]["code"], last["data"]["job_id"]) == ("error", "HUMAN_INPUT_REQUIRED", job_id)
    assert f"/api/v2/workflows/{job_id}" in last["data"]["error"]
    assert plain.resume(job_id, None, None).status_code == 200
    assert plain.events(job_id)[-1].event == "end"


def test_errors_are_of_the_kind_that_the_sdk_knows(sdk: Sdk, v1_server: Deployment, echo: str) -> None:
    """Missing, refused, unfit: each raises its own error."""
    from langflow_sdk import (
        Client,
        LangflowAuthError,
        LangflowConnectionError,
        LangflowNotFoundError,
        LangflowValidationError,
    )

    with pytest.raises(LangflowNotFoundError):
        sdk.run(MISSING, "x")
    with pytest.raises(LangflowNotFoundError):
        list(sdk.stream("no-such-endpoint", "x"))
    with pytest.raises(LangflowValidationError):
        sdk.run(echo, "x", output_type="smell")
    with Client(v1_server.url, api_key="psk_wrong") as stranger, pytest.raises(LangflowAuthError):
        stranger.run(echo, "x")
    with Client("http://127.0.0.1:1") as lost, pytest.raises(LangflowConnectionError):
        lost.list_flows()


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        ({"input_value": 7}, "string_type", "input_value"),
        ({"input_type": "smell"}, "literal_error", "input_type"),
        ({"tweaks": []}, "dict_type", "tweaks"),
        ({"session_id": "s" * 513}, "string_too_long", "session_id"),
        ({"output_component": "a\0"}, "value_error", "output_component"),
    ],
)
def test_bodies_that_do_not_fit(plain: Client, echo: str, body: Any, kind: str, place: str) -> None:
    """Each fault is told with its place."""
    assert_invalid(plain.http.post(f"{RUN}{echo}", json=body), kind, "body", place)


def test_who_leaves_does_not_take_the_run_along(plain: Client, model: ModelStub, stored: Callable[..., str]) -> None:
    """The job of a stream that nobody reads any more comes to its end."""
    path = f"{RUN}{stored(model_flow())}"
    with held(model), plain.http.stream("POST", path, json={"input_value": "x", "stream": True}) as answer:
        job_id = answer.headers["X-Job-Id"]
        next(line for line in answer.iter_lines() if line and json.loads(line)["event"] == "token")
    assert plain.events(job_id)[-1].event == "end"
    assert plain.job(job_id)["status"] == "completed"
