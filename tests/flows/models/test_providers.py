"""clients.py: every provider is spoken to in its own wire form, through the one way out."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic_ai import Agent

from flows.extras import ExtraMissing
from flows.models.asking import ModelCall, ModelTools
from flows.models.failures import ModelFailed
from flows.models.patience import Patience
from flows.models.providers import PROVIDERS
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.values import LanguageModel, Usage
from tests.flows.outbound.site import Page, Site
from tests.flows.running import HERE
from tests.model_wires import ANTHROPIC, GOOGLE, INPUT_TOKENS, OPENAI, ToolUse, Wire
from tests.scripted_models import Act, Exchange, ScriptedModels

KEY = "sk-canary-0123456789"
HURRIED = Patience(wait_seconds=0.3, backoff_seconds=0.01)


@dataclass(frozen=True)
class Spoken:
    """How a provider is spoken to: where, and which header carries the key."""

    wire: Wire
    path: str
    key: Mapping[str, str]
    too_long: str
    bad_key: str
    has_version_in_url: bool = False


BEARER = {"authorization": f"Bearer {KEY}"}
OPENAI_TOO_LONG = "maximum context length is 10 tokens"
SPOKEN: Mapping[str, Spoken] = {
    "openai": Spoken(OPENAI, "/v1/chat/completions", BEARER, OPENAI_TOO_LONG, "invalid_api_key", True),
    "ollama": Spoken(OPENAI, "/v1/chat/completions", BEARER, OPENAI_TOO_LONG, "invalid_api_key", True),
    "anthropic": Spoken(
        ANTHROPIC, "/v1/messages", BEARER, "prompt is too long: 11 tokens > 10 maximum", "authentication_error"
    ),
    "google": Spoken(
        GOOGLE,
        "/v1beta/models/stub-model:streamGenerateContent?alt=sse",
        {"x-goog-api-key": KEY},
        "The input token count (11) exceeds the maximum number of tokens allowed (10).",
        "UNAUTHENTICATED",
    ),
}


def handle_of(name: str, models: ScriptedModels) -> LanguageModel:
    return LanguageModel("m", "stub-model", models.url if SPOKEN[name].has_version_in_url else models.host_url, name)


def ask(name: str, models: ScriptedModels, policy: OutboundPolicy = HERE) -> list[str | Usage]:
    """All that comes of one question."""

    async def answer() -> list[str | Usage]:
        outbound = Outbound(policy)
        call = ModelCall(handle_of(name, models), KEY, system="Be brief.", prompt="hello", idempotency_key="once")
        try:
            return [piece async for piece in ModelTools(outbound, HURRIED).stream(call)]
        finally:
            await outbound.close()

    return asyncio.run(answer())


def test_every_provider_is_spoken_to_here() -> None:
    assert SPOKEN.keys() == PROVIDERS.keys()


@pytest.mark.parametrize("name", SPOKEN)
def test_an_answer_is_streamed_with_its_price(name: str) -> None:
    """The key and the idempotency key go along."""
    spoken = SPOKEN[name]
    with ScriptedModels([spoken.wire.says("Hello", ", ", "world")]) as models:
        assert ask(name, models) == ["Hello", ", ", "world", Usage(INPUT_TOKENS, 3)]
    [asked] = models.requests
    assert asked.path == spoken.path
    assert asked.headers.items() >= {**spoken.key, "idempotency-key": "once"}.items()


@pytest.mark.parametrize("name", SPOKEN)
def test_an_agent_calls_tools_by_it(name: str) -> None:
    """It gets the model itself."""
    wire = SPOKEN[name].wire
    added: list[tuple[int, int]] = []

    def add(a: int, b: int) -> int:
        added.append((a, b))
        return a + b

    async def answer(models: ScriptedModels) -> str:
        outbound = Outbound(HERE)
        agent = Agent(ModelTools(outbound, HURRIED).model(handle_of(name, models), KEY), tools=[add])
        try:
            async with agent.run_stream("What is 2 + 3?") as stream:
                return await stream.get_output()
        finally:
            await outbound.close()

    with ScriptedModels([wire.calls(ToolUse("add", {"a": 2, "b": 3})), wire.says("It is ", "5")]) as models:
        assert asyncio.run(answer(models)) == "It is 5"
    assert (added, len(models.requests)) == ([(2, 3)], 2)


REFUSED = {
    "bad key": (401, "it does not take the key. Check the one in the field api_key"),
    "too long": (400, "it is told more than it can read. Send less, or choose a model that reads more."),
    "too much": (429, "it is asked too much at once, also when asked again 2 times."),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("name", SPOKEN)
def test_what_it_refuses_is_told_in_the_same_words(name: str, case: str) -> None:
    spoken, (status, told) = SPOKEN[name], REFUSED[case]
    said, kind = (spoken.too_long, "") if case == "too long" else (f"no, not with {KEY}", "")
    if case == "bad key":
        kind = spoken.bad_key
    if case == "too much":
        kind = {"anthropic": "rate_limit_error", "google": "RESOURCE_EXHAUSTED"}.get(name, "rate_limit_exceeded")
    refused = spoken.wire.refuses(status, said, kind)
    with ScriptedModels([refused]) as models, pytest.raises(ModelFailed) as caught:
        ask(name, models)
    assert told in str(caught.value)
    assert said.replace(KEY, "***") in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(models.requests) == (3 if status == 429 else 1)


def cut(act: Act, pieces: int, end: Act) -> Act:
    """The first pieces of an answer, then another end."""

    def cut_off(exchange: Exchange) -> None:
        left = iter(range(pieces))
        send = exchange.piece

        def piece(content: bytes) -> None:
            if next(left, None) is None:
                end(exchange)
            send(content)

        exchange.piece = piece  # type: ignore[method-assign]
        act(exchange)

    return cut_off


def ended(exchange: Exchange) -> None:
    """Ends as HTTP allows."""
    exchange.raw(b"0\r\n\r\n")
    exchange.break_off()


ENDS = {"stalled": (Exchange.wait_until_gone, "nothing came from it for 0.3 s"), "reset": (Exchange.reset, "broke off"),
        "ended": (ended, "its answer broke off")}  # fmt: skip


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("name", SPOKEN)
def test_an_answer_that_is_not_whole_is_an_error(name: str, case: str) -> None:
    """Also where it ends without fault, or says nothing more."""
    end, told = ENDS[case]
    answer = cut(SPOKEN[name].wire.says("Half", " an", " answer"), 2, end)
    with ScriptedModels([answer]) as models, pytest.raises(ModelFailed, match=told):
        ask(name, models)
    assert len(models.requests) == 1


@pytest.mark.parametrize("name", SPOKEN)
def test_no_provider_is_called_but_by_the_one_way_out(name: str) -> None:
    """An internal address is refused before anything is sent (fault F7)."""
    with ScriptedModels([SPOKEN[name].wire.says("x")]) as models:
        with pytest.raises(ModelFailed, match=r"its address 127\.0\.0\.1 is loopback\. Add it to PENSTOCK_ALLOWED_"):
            ask(name, models, OutboundPolicy())
        assert models.requests == []


def show(name: str, models: ScriptedModels, url: str, policy: OutboundPolicy = HERE) -> None:
    """Asks about an image."""

    async def answer() -> None:
        outbound = Outbound(policy)
        call = ModelCall(handle_of(name, models), KEY, system="", prompt="What is this?", images=[url])
        try:
            assert [piece async for piece in ModelTools(outbound, HURRIED).stream(call)][:-1] == ["a cat"]
        finally:
            await outbound.close()

    asyncio.run(answer())


UPLOADED = "data:image/png;base64,bWVvdw=="


@pytest.mark.parametrize("name", SPOKEN)
def test_an_uploaded_image_goes_along(name: str) -> None:
    """In each provider's own form."""
    with ScriptedModels([SPOKEN[name].wire.says("a cat")]) as models:
        show(name, models, UPLOADED)
    asked = str(models.requests[0].body)
    assert "bWVvdw==" in asked
    assert "image/png" in asked


@pytest.mark.parametrize("name", SPOKEN)
def test_an_image_elsewhere_is_fetched_by_the_one_way_out(name: str) -> None:
    """For a provider that cannot fetch it; the others are given its URL."""
    fetched = PROVIDERS[name].fetches_images is False
    with (
        Site({"/cat.png": Page(200, {"Content-Type": "image/png"}, [b"meow"])}) as site,
        ScriptedModels([SPOKEN[name].wire.says("a cat")]) as models,
    ):
        show(name, models, site.url("/cat.png"))
        assert len(site.asked) == (1 if fetched else 0)
        assert ("bWVvdw==" if fetched else site.url("/cat.png")) in str(models.requests[0].body)


def test_what_is_fetched_is_an_image() -> None:
    """A page goes to no model as if it were one."""
    with Site() as site, ScriptedModels([GOOGLE.says("a cat")]) as models:
        with pytest.raises(ModelFailed, match="there is no image at this address"):
            show("google", models, site.url())
        assert models.requests == []


@pytest.mark.parametrize("name", [name for name in SPOKEN if not PROVIDERS[name].fetches_images])
def test_no_internal_image_is_fetched(name: str) -> None:
    """Nothing is asked of the model either (fault F7)."""
    with ScriptedModels([SPOKEN[name].wire.says("a cat")]) as models:
        allowed = OutboundPolicy.allowing(f"127.0.0.1:{models.port}")
        with Site({"/cat.png": Page(200)}) as site:
            with pytest.raises(ModelFailed, match=r"127\.0\.0\.1:\d+ may not be called"):
                show(name, models, site.url("/cat.png"), allowed)
            assert (site.asked, models.requests) == ([], [])


SURROUNDINGS = {
    "OPENAI_ORG_ID": "org-canary",
    "OPENAI_PROJECT_ID": "project-canary",
    "OPENAI_CUSTOM_HEADERS": "X-Canary: canary",
    "OPENAI_ADMIN_KEY": "admin-canary",
    "OLLAMA_API_KEY": "ollama-canary",
    "ANTHROPIC_AUTH_TOKEN": "token-canary",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Canary: canary",
    "GEMINI_API_KEY": "gemini-canary",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_CLOUD_PROJECT": "project-canary",
    "HTTP_PROXY": "http://127.0.0.1:1/canary",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_nothing_of_the_environment_is_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the provider's library would read there: the endpoint may be anybody's."""
    for variable, value in SURROUNDINGS.items():
        monkeypatch.setenv(variable, value)
    with ScriptedModels([SPOKEN[name].wire.says("x")]) as models:
        ask(name, models)
    [asked] = models.requests
    assert "canary" not in f"{asked.path} {asked.headers} {asked.body}".replace(KEY, "")


@pytest.mark.parametrize(("name", "library"), [("anthropic", "anthropic"), ("google", "google.genai.types")])
def test_a_missing_library_is_named_with_its_extra(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with ScriptedModels([]) as models:
        with pytest.raises(ModelFailed, match=rf"Run: pip install 'penstock\[{name}\]'"):
            ask(name, models)
        tools: Any = ModelTools(Outbound(HERE))
        with pytest.raises(ExtraMissing):
            tools.model(handle_of(name, models), KEY)
