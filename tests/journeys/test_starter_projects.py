"""Langflow's own starter projects, as they are exported."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.deployments import embedded
from tests.journeys.starting import filled_in, ingest, standing, upload
from tests.model_stub import ModelStub
from tests.reading import Client

NOT_HERE = {
    "hybrid_search_rag": "Unknown component types: AstraDB.",
    "meeting_summary": "Unknown component types: AssemblyAITranscriber.",
}
"""The projects that need the service of one vendor, and how they are refused."""
ASKED = "What is new?"


def starter(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.json"
    if not path.exists():
        reason = "the starter projects lie beside the repository, and are not there"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    exported: dict[str, Any] = json.loads(path.read_text())
    return exported


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Client]:
    """A client of a Penstock that has all that the projects need."""
    with (
        standing(tmp_path) as world,
        embedded(tmp_path, world.settings) as deployment,
        closing(Client(deployment.url)) as client,
    ):
        yield client


def test_the_starter_projects_run(started: Client, starter_flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the 27 runs unchanged in all three modes, and says the same in each; or is refused by name."""
    names = sorted(path.stem for path in starter_flows.glob("*.json")) or ["basic_prompting"]
    path = upload(started)
    ingest(started, starter(starter_flows, "vector_store_rag"))
    table = {name: outcome(started, starter(starter_flows, name), path) for name in names}
    with capsys.disabled():
        print("\n" + "\n".join(f"{name:36} {told}" for name, told in table.items()))  # noqa: T201
    assert {name: told for name, told in table.items() if not told.startswith("runs")} == NOT_HERE
    assert len(table) == 27


def outcome(client: Client, exported: Mapping[str, Any], path: str) -> str:
    """What becomes of a project: `runs` and its answer, or why it does not."""
    answer = client.http.post("/api/v1/flows/", json={**exported, "endpoint_name": None})
    if answer.status_code != 201:
        return str(answer.json()["detail"]["message"])
    flow_id, tweaks = answer.json()["id"], filled_in(exported, path)
    sync = client.run(flow_id, input_value=ASKED, tweaks=tweaks).json()
    if sync.get("status") != "completed":
        return f"fails: {sync}"
    with client.streaming(flow_id, input_value=ASKED, tweaks=tweaks) as found:
        streamed = [frame for frame in found if frame.event in ("output", "end")]
    job_id = client.submit(flow_id, input_value=ASKED, tweaks=tweaks)
    client.events(job_id)
    background = client.job(job_id)["result"]
    texts = [sync["output"]["text"], background["output"]["text"]]
    assert streamed[-1].json["data"]["status"] == "completed"
    assert texts[0] == texts[1]
    assert texts[0] in (None, *(frame.json["data"].get("content") for frame in streamed))
    return f"runs: {sync['output']['reason']}, {texts[0]!r}"[:100]


def test_basic_prompting_in_three_modes(client: Client, stub: ModelStub, starter_flows: Path) -> None:
    """The same answer in every mode, and its tokens in the stream."""
    stub.tokens = ("A ", "fresh ", "start")
    flow_id = client.store(starter(starter_flows, "basic_prompting"))
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


def test_an_image_reaches_the_model(client: Client, stub: ModelStub, starter_flows: Path) -> None:
    """The vision project loads and runs with an image that is given by URL."""
    image = "data:image/png;base64,iVBORw0KGgo="
    flow_id = client.store(starter(starter_flows, "image_sentiment_analysis"))
    with client.streaming(flow_id, input_value="what is this?", files=[image]) as found:
        assert list(found)[-1].json["data"]["status"] == "completed"
    said = stub.requests[-1].said("user")
    assert any(part.get("image_url", {}).get("url") == image for part in said)
