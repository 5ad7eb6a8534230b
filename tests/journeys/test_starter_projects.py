"""Langflow's own starter projects, as they are exported."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.model_stub import ModelStub
from tests.reading import Client


@pytest.fixture
def starter(starter_flows: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    path = starter_flows / f"{request.param}.json"
    if not path.exists():
        reason = "the starter projects lie beside the repository, and are not there"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    exported: dict[str, Any] = json.loads(path.read_text())
    return exported


@pytest.mark.parametrize("starter", ["basic_prompting"], indirect=True)
def test_basic_prompting_in_three_modes(client: Client, stub: ModelStub, starter: dict[str, Any]) -> None:
    """The same answer in every mode, and its tokens in the stream."""
    stub.tokens = ("A ", "fresh ", "start")
    flow_id = client.store(starter)
    sync = client.run(flow_id, input_value="hi").json()
    with client.streaming(flow_id, input_value="hi") as found:
        streamed = list(found)
    job_id = client.submit(flow_id, input_value="hi")
    client.events(job_id)
    assert sync["output"]["text"] == "A fresh start"
    assert [frame.json["data"]["chunk"] for frame in streamed if frame.event == "token"] == list(stub.tokens)
    assert streamed[-2].json["data"]["content"] == "A fresh start"
    assert client.job(job_id)["result"]["output"]["text"] == "A fresh start"
    assert stub.requests[0].said("user") == "hi"
    assert stub.requests[0].said("system").startswith("Answer the user as if you were a GenAI expert")


@pytest.mark.parametrize("starter", ["image_sentiment_analysis"], indirect=True)
def test_an_image_reaches_the_model(client: Client, stub: ModelStub, starter: dict[str, Any]) -> None:
    """The vision project loads and runs with an image that is given by URL."""
    image = "data:image/png;base64,iVBORw0KGgo="
    flow_id = client.store(starter)
    with client.streaming(flow_id, input_value="what is this?", files=[image]) as found:
        assert list(found)[-1].json["data"]["status"] == "completed"
    said = stub.requests[-1].said("user")
    assert any(part.get("image_url", {}).get("url") == image for part in said)
