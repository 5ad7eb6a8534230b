"""An uploaded image on its way to a model."""

from base64 import b64encode

from tests.making import model_flow
from tests.model_stub import ModelStub
from tests.reading import Client

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def test_a_model_sees_an_uploaded_image(client: Client, other_client: Client, stub: ModelStub) -> None:
    """Whichever process took it, and whichever runs the flow."""
    uploaded = client.http.post("/api/v2/files", files={"file": ("cat.png", PNG)})
    assert uploaded.status_code == 201, uploaded.text
    flow_id = client.store(model_flow())
    with other_client.streaming(flow_id, input_value="What is this?", files=[uploaded.json()["path"]]) as frames:
        assert [frame.event for frame in frames][-1] == "end"
    text, image = stub.requests[-1].said("user")
    assert text["text"] == "What is this?"
    assert image["image_url"]["url"] == f"data:image/png;base64,{b64encode(PNG).decode()}"
    assert client.http.delete(f"/api/v2/files/{uploaded.json()['id']}").status_code == 204


def test_a_file_that_was_deleted_before_its_run_came_to_it(client: Client, stub: ModelStub) -> None:
    """The vertex fails and says which file it misses."""
    uploaded = client.http.post("/api/v2/files", files={"file": ("cat.png", PNG)}).json()
    flow = model_flow()
    flow["nodes"][0]["data"]["node"]["template"]["files"]["value"] = [uploaded["path"]]
    flow_id = client.store(flow)
    client.http.delete(f"/api/v2/files/{uploaded['id']}")
    job_id = client.submit(flow_id, input_value="What is this?")
    client.events(job_id)
    assert f"The file '{uploaded['path']}' is not here." in client.job(job_id)["error"]["message"]
