"""LanguageModelComponent: one request to an OpenAI-compatible endpoint, streamed."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.events import Event, EventType
from flows.files import FileContent
from flows.graph import Graph
from flows.models.defaults import ModelDefaults
from flows.models.images import MAX_IMAGE_BYTES
from flows.values import LanguageModel, Message, Source, Usage
from tests.flows.components.producing import produce
from tests.flows.papers import Uploaded
from tests.flows.running import JOB_ID, RecordingJournal, build, run, tools
from tests.making import edge, flow, model_flow, node, template
from tests.model_stub import INPUT_TOKENS, ModelRequest, ModelStub
from tests.shapes import Exported

Load = Callable[[Exported], Graph]
PATIENCE = 10.0
"""Seconds until a test that waits for what never comes gives up."""

MODEL = "LanguageModelComponent-m1"


@pytest.fixture
def stub() -> Iterator[ModelStub]:
    """An endpoint that answers `Hello, world`."""
    with ModelStub() as started:
        yield started


def model(stub: ModelStub | None = None, **values: Any) -> Exported:
    """A model node that asks the stub."""
    named = {"model_name": "stub-model", "base_url": stub.url if stub else ""}
    return node("LanguageModelComponent", MODEL, **{**named, **values})


def answered(journal: RecordingJournal) -> Message:
    message = journal.outputs(MODEL)["text_output"]
    assert isinstance(message, Message)
    return message


def request_of(stub: ModelStub) -> ModelRequest:
    [only] = stub.requests
    return only


def test_the_answer_comes_with_its_source_and_its_price(stub: ModelStub) -> None:
    assert answered(produce(model(stub), input_value="hello")) == Message(
        "Hello, world",
        session_id="s2",
        source=Source(MODEL, "Language Model", "stub-model"),
        usage=Usage(INPUT_TOKENS, 3),
    )


def test_every_try_of_a_visit_is_sent_under_the_same_key(stub: ModelStub) -> None:
    """An endpoint that knows `Idempotency-Key` answers an interrupted request once (rule 6)."""
    for _ in range(2):
        produce(model(stub), input_value="hello")
    assert [asked.headers["idempotency-key"] for asked in stub.requests] == [f"{JOB_ID}:{MODEL}:1"] * 2


def test_the_endpoint_is_asked_what_the_fields_say(stub: ModelStub) -> None:
    fields = {"system_message": "Be brief.", "temperature": 0.5, "max_tokens": 9}
    produce(model(stub, **fields), input_value=Message("hello"))
    asked = request_of(stub)
    assert (asked.path, asked.said("system"), asked.said("user")) == ("/v1/chat/completions", "Be brief.", "hello")
    assert (asked.body["model"], asked.body["temperature"], asked.body["max_completion_tokens"]) == (
        "stub-model",
        0.5,
        9,
    )
    assert asked.body["stream"] is True


def test_what_is_empty_is_not_sent(stub: ModelStub) -> None:
    produce(model(stub), input_value="hello")
    asked = request_of(stub)
    assert [message["role"] for message in asked.body["messages"]] == ["user"]
    assert "max_completion_tokens" not in asked.body


@pytest.mark.parametrize("value", [{"n": 1}, Message('{"n":1}')])
def test_any_value_is_asked_as_its_text(value: Any, stub: ModelStub) -> None:
    produce(model(stub), input_value=value)
    assert request_of(stub).said("user") == '{"n":1}'


def test_images_go_along_as_urls(stub: ModelStub) -> None:
    produce(model(stub), input_value=Message("What is this?", files=("https://example.org/cat.png",)))
    text, image = request_of(stub).said("user")
    assert (text["text"], image["image_url"]["url"]) == ("What is this?", "https://example.org/cat.png")


def test_uploaded_images_go_along_whole(stub: ModelStub) -> None:
    """In the order of the message, among those that are elsewhere."""
    files = Uploaded({"a": FileContent("cat.png", "image/png", b"meow")})
    asked = Message("What is this?", files=("https://example.org/dog.png", "a"))
    produce(model(stub), borrowed=tools(files=files), input_value=asked)
    _, *images = request_of(stub).said("user")
    assert [image["image_url"]["url"] for image in images] == [
        "https://example.org/dog.png",
        "data:image/png;base64,bWVvdw==",
    ]


def test_an_uploaded_file_that_is_no_image_fails_the_vertex(stub: ModelStub) -> None:
    files = Uploaded({"a": FileContent("report.pdf", "application/pdf", b"%PDF")})
    with pytest.raises(VertexFailed, match=r"the file 'report\.pdf' is no image"):
        produce(model(stub), borrowed=tools(files=files), input_value=Message("x", files=("a",)))
    assert stub.requests == []


def test_images_that_are_too_large_together_fail_the_vertex(stub: ModelStub) -> None:
    """I10."""
    half = FileContent("half.png", "image/png", bytes(MAX_IMAGE_BYTES // 2 + 1))
    with pytest.raises(VertexFailed, match=f"more than {MAX_IMAGE_BYTES} bytes together"):
        produce(model(stub), borrowed=tools(files=Uploaded({"a": half})), input_value=Message("x", files=("a", "a")))
    assert stub.requests == []


def test_a_file_that_is_not_there_fails_the_vertex(stub: ModelStub) -> None:
    with pytest.raises(VertexFailed, match=r"The file 'a\.png' is not here\."):
        produce(model(stub), input_value=Message("x", files=("a.png",)))
    assert stub.requests == []


def test_tokens_are_streamed_into_the_message_of_the_chat_output(load: Load, stub: ModelStub) -> None:
    journal = run(load(model_flow(stub.url)))
    chunks = journal.of_type(EventType.TOKEN)
    _, opened, complete = journal.of_type(EventType.ADD_MESSAGE)
    assert [event.data["chunk"] for event in chunks] == list(stub.tokens)
    assert {event.data["id"] for event in chunks} == {opened.data["id"]} == {complete.data["id"]}
    assert (opened.data["properties"]["state"], opened.data["text"]) == ("partial", "")
    assert (complete.data["properties"]["state"], complete.data["text"]) == ("complete", "Hello, world")
    assert [record.message.text for record in journal.messages] == ["hello", "Hello, world"]


class _Watched(RecordingJournal):
    """A journal that tells when the first token reached it."""

    def __init__(self) -> None:
        super().__init__()
        self.first_token = asyncio.Event()

    def delta(self, event: Event) -> None:
        super().delta(event)
        self.first_token.set()


def test_tokens_are_sent_as_they_come(load: Load, stub: ModelStub) -> None:
    """The endpoint says its second token only when the first has reached the journal."""
    journal, released = _Watched(), threading.Event()
    stub.before_token = lambda index: index == 1 and released.wait(PATIENCE)

    async def watch() -> None:
        running = asyncio.create_task(build(load(model_flow(stub.url)), journal))
        await asyncio.wait_for(journal.first_token.wait(), PATIENCE)
        assert [event.data["chunk"] for event in journal.deltas] == ["Hello"]
        released.set()
        await running

    asyncio.run(watch())
    assert len(journal.deltas) == len(stub.tokens)


def test_tokens_are_streamed_only_when_the_answer_goes_straight_to_a_chat_output(load: Load, stub: ModelStub) -> None:
    asking, prompt, answered_by = model(stub), node("Prompt", "p", template="{x}", x=""), node("ChatOutput", "out")
    edges = [edge(asking, "text_output", prompt, "x"), edge(prompt, "prompt", answered_by, "input_value")]
    journal = run(load(flow([asking, prompt, answered_by], edges)))
    assert journal.of_type(EventType.TOKEN) == []
    assert [record.message.text for record in journal.messages] == ["Hello, world"]


def _two_models(stub: ModelStub, **fields: Any) -> Exported:
    """A model node that only lends its model, and a second one that asks it."""
    lends, asks = model(stub, **fields), node("LanguageModelComponent", "asks", input_value="hello")
    return flow([lends, asks], [edge(lends, "model_output", asks, "model")])


def test_a_model_that_is_only_lent_is_asked_once(load: Load, stub: ModelStub) -> None:
    journal = run(load(_two_models(stub)))
    assert journal.outputs(MODEL) == {"model_output": LanguageModel(MODEL, "stub-model", stub.url)}
    assert request_of(stub).body["model"] == "stub-model"


def test_the_key_of_a_lent_model_is_used_and_does_not_travel(load: Load, stub: ModelStub) -> None:
    exported = _two_models(stub, api_key="MY_KEY")
    journal = run(load(exported), borrowed=tools({"MY_KEY": "sk-lent"}))
    assert request_of(stub).key == "sk-lent"
    assert not [event for event in journal.milestones if b"sk-lent" in event.encode()]


KEYS: dict[str, tuple[Mapping[str, Any], Mapping[str, str], str]] = {
    "a literal before a variable": ({"api_key": "sk-own"}, {"OPENAI_API_KEY": "sk-variable"}, "sk-own"),
    "none for an endpoint of the flow's own": ({}, {}, "none"),
    "not the user's variable either": ({}, {"OPENAI_API_KEY": "sk-variable"}, "none"),
}


@pytest.mark.parametrize("case", KEYS)
def test_the_key_is_the_fields_then_the_variables(case: str, stub: ModelStub) -> None:
    """A key that the flow does not name goes to the settings' endpoint only."""
    values, variables, key = KEYS[case]
    exported = model(stub, **values)
    template(exported)["api_key"]["load_from_db"] = False
    produce(exported, borrowed=tools(variables, defaults=ModelDefaults(api_key="sk-settings")), input_value="hello")
    assert request_of(stub).key == key


def test_the_settings_endpoint_gets_the_variable_before_the_settings_key(stub: ModelStub) -> None:
    borrowed = tools(
        {"OPENAI_API_KEY": "sk-variable"}, defaults=ModelDefaults("default-model", stub.url, "sk-settings")
    )
    produce(model(None), borrowed=borrowed, input_value="hello")
    assert request_of(stub).key == "sk-variable"


@pytest.mark.parametrize("named", [True, False])
def test_the_settings_endpoint_gets_the_settings_key(named: bool, stub: ModelStub) -> None:
    """Whether the flow names the endpoint itself or leaves it to the settings."""
    defaults = ModelDefaults("default-model", stub.url, "sk-settings")
    exported = model(stub if named else None, model_name="")
    produce(exported, borrowed=tools(defaults=defaults), input_value="hello")
    assert (request_of(stub).key, request_of(stub).body["model"]) == ("sk-settings", "default-model")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"model_name": "", "model": [{"name": "picked", "provider": "OpenAI"}]}, "picked"),
        ({"model_name": "", "model": {"name": "picked"}}, "picked"),
        ({"model_name": "", "model": "picked"}, "picked"),
        ({"model_name": "named", "model": "picked"}, "named"),
        ({"model_name": "", "model": []}, "default-model"),
        ({"model_name": "", "model": [7]}, "default-model"),
    ],
)
def test_the_model_is_the_one_that_is_named_then_picked_then_the_settings(
    values: Mapping[str, Any], name: str, stub: ModelStub
) -> None:
    produce(model(stub, **values), borrowed=tools(defaults=ModelDefaults("default-model")), input_value="hello")
    assert request_of(stub).body["model"] == name


def test_a_flow_without_any_model_fails_with_the_remedy(stub: ModelStub) -> None:
    with pytest.raises(VertexFailed) as caught:
        produce(model(stub, model_name=""), input_value="hello")
    assert caught.value.reason == "no model is named. Choose one in the flow or set PENSTOCK_MODEL_NAME."


def test_an_endpoint_that_refuses_fails_the_vertex_in_its_own_words(stub: ModelStub) -> None:
    stub.fail_with(HTTPStatus.BAD_REQUEST, "the context is too long for the key sk-secret")
    exported = model(stub, api_key="sk-secret")
    template(exported)["api_key"]["load_from_db"] = False
    with pytest.raises(VertexFailed) as caught:
        produce(exported, input_value="hello")
    assert caught.value.reason.startswith(f"The model 'stub-model' at {stub.url} failed: ")
    assert "the context is too long" in caught.value.reason
    assert "sk-secret" not in caught.value.reason


def test_an_answer_that_breaks_off_fails_the_vertex(stub: ModelStub) -> None:
    def break_off(index: int) -> None:
        if index == 1:
            raise ConnectionResetError

    stub.before_token = break_off
    with pytest.raises(VertexFailed, match=f"The model 'stub-model' at {stub.url} failed: "):
        produce(model(stub), input_value="hello")


def test_every_loop_has_its_own_connections(load: Load, stub: ModelStub) -> None:
    """As in worker threads: a second loop never meets a connection of the first."""
    graph = load(model_flow(stub.url))
    for _ in range(2):
        assert answered(run(graph, borrowed=tools())).text == stub.answer
