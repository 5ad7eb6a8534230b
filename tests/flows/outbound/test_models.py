"""models.py: models are called by the one client, and what it refuses is told as it is."""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from structlog.testing import capture_logs

from flows.component import Outputs
from flows.context import VertexContext
from flows.errors import VertexFailed
from flows.models.asking import ModelCall, ModelTools
from flows.models.providers import NO_KEY
from flows.outbound.client import Outbound, OutboundCall
from flows.outbound.policy import OutboundBounds, OutboundPolicy
from flows.run import RunTools
from flows.values import LanguageModel
from tests.flows.components.producing import produce
from tests.flows.outbound.site import Lookups, Page, Site
from tests.flows.running import HERE, RecordingJournal, run, tools
from tests.flows.steps import StepFields, step_graph, steps
from tests.making import node
from tests.model_stub import ModelStub


@pytest.fixture
def stub() -> Iterator[ModelStub]:
    with ModelStub() as started:
        yield started


def ask(base_url: str, borrowed: RunTools | None = None) -> RecordingJournal:
    """Runs a flow whose model is asked at an endpoint that the flow names."""
    exported = node("LanguageModelComponent", "m", model_name="stub-model", base_url=base_url)
    return produce(exported, borrowed=borrowed, input_value="hello")


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [
        (
            "http://169.254.169.254/v1",
            "169.254.169.254:80 may not be called: its address 169.254.169.254 is a cloud's metadata service. "
            "Add it to PENSTOCK_ALLOWED_HOSTS if flows should call it.",
        ),
        (
            "http://models.example:8000/v1",
            "models.example:8000 may not be called: its address 10.0.0.7 is private. "
            "Add it to PENSTOCK_ALLOWED_HOSTS if flows should call it.",
        ),
        (
            "https://user:canary@models.example/v1",
            "models.example may not be called: its URL holds a user or password. Send them in a header.",
        ),
        ("ftp://models.example/v1", "models.example may not be called: only http and https URLs may be called."),
    ],
)
def test_an_endpoint_that_may_not_be_called_fails_the_vertex_at_once(base_url: str, reason: str) -> None:
    """The flow's owner reads what was refused, and the provider's library does not try it again (fault F7)."""
    borrowed = tools(outbound=Outbound(OutboundPolicy(), Lookups(["10.0.0.7"])))
    with capture_logs() as lines, pytest.raises(VertexFailed) as caught:
        ask(base_url, borrowed)
    assert caught.value.reason == reason
    assert [line["event"] for line in lines] == ["outbound_refused"]


def test_an_endpoint_that_redirects_is_not_followed(stub: ModelStub) -> None:
    """The key of one endpoint is not for another."""
    away = Page(307, {"Location": f"{stub.url}/chat/completions"})
    with Site({"/v1/chat/completions": away}) as site, pytest.raises(VertexFailed, match="failed: "):
        ask(site.url("/v1"))
    assert (len(site.asked), stub.requests) == (1, [])


def test_an_answer_without_end_fails_the_vertex(stub: ModelStub) -> None:
    """Whatever the endpoint sends in place of tokens, also as its error (I10)."""
    bounded = OutboundPolicy(HERE.allowed, OutboundBounds(model_bytes=10_000))
    stub.fail_with(HTTPStatus.BAD_REQUEST, "x" * 20_000)
    with pytest.raises(VertexFailed, match=r"The call to 127\.0\.0\.1 failed: its answer has more than 10000 bytes\."):
        ask(stub.url, tools(outbound=Outbound(bounded)))


def test_a_component_calls_by_the_same_client() -> None:
    """And fails its vertex with what was refused."""

    async def fetch(inputs: StepFields, context: VertexContext) -> Outputs:
        answer = await context.tools.outbound.call(OutboundCall(site.url(), max_bytes=100))
        return {"left": answer.content.decode()}

    with Site() as site:
        graph = step_graph(steps([], ["a"]), fetch)
        assert run(graph).outputs("a")["left"] == "here"
        with pytest.raises(VertexFailed, match=r"127\.0\.0\.1:\d+ may not be called: its address 127\.0\.0\.1 is loop"):
            run(graph, borrowed=tools(outbound=Outbound()))
    assert site.connections == 1


def test_connections_to_a_model_are_kept(stub: ModelStub) -> None:
    """Its name is looked up once for requests that follow each other."""
    lookups = Lookups(["127.0.0.1"])
    handle = LanguageModel("m", "stub-model", stub.url.replace("127.0.0.1", "models.example"))
    call = ModelCall(handle, NO_KEY, system="", prompt="hello")

    async def thrice() -> None:
        outbound = Outbound(OutboundPolicy.allowing("models.example"), lookups)
        for _ in range(3):
            assert [piece async for piece in ModelTools(outbound).stream(call)]
        await outbound.close()

    asyncio.run(thrice())
    assert (len(stub.requests), len(lookups.asked)) == (3, 1)
