"""A model server that misbehaves, seen by whoever runs a flow: a clear error event and a failed job, or an answer."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.deployments import Deployment, embedded
from tests.flows.models.misbehaving import BROKE_OFF, MISBEHAVIOURS, OUT_OF_ORDER
from tests.making import model_flow
from tests.reading import WORKFLOWS, Client
from tests.scripted_models import ScriptedModels
from tests.shapes import Exported

KEY = "sk-canary-of-the-settings"


@pytest.fixture(scope="module")
def models() -> Iterator[ScriptedModels]:
    with ScriptedModels([]) as running:
        yield running


@pytest.fixture(scope="module")
def server(models: ScriptedModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server with little patience."""
    settings = {
        "PENSTOCK_MODEL_BASE_URL": models.url,
        "PENSTOCK_MODEL_API_KEY": KEY,
        "PENSTOCK_MODEL_TIMEOUT_SECONDS": "0.3",
        "PENSTOCK_MODEL_RETRIES": "2",
    }
    with embedded(tmp_path_factory.mktemp("models"), settings) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def client(server: Deployment) -> Iterator[Client]:
    with closing(Client(server.url)) as connected:
        yield connected


@pytest.fixture(scope="module")
def flow_id(client: Client) -> str:
    exported: Exported = model_flow()
    return client.store(exported)


ENDS = {
    "stalls in the middle": "nothing came from it for 0.3 s, or its answer did not end",
    "closed in the middle": BROKE_OFF,
    "500 for ever": OUT_OF_ORDER,
    "401": "it does not take the key. Check the one in the field api_key or the variable OPENAI_API_KEY",
}


@pytest.mark.parametrize("case", ENDS)
def test_a_model_that_fails_is_a_clear_error_event_and_a_failed_job(
    case: str, models: ScriptedModels, client: Client, flow_id: str
) -> None:
    """The same text in both; the model server is left alone afterwards, and the key stands nowhere (I8)."""
    models.script = MISBEHAVIOURS[case].script
    job_id = client.submit(flow_id, input_value="hello")
    *_, error, end = client.events(job_id)
    assert (error.event, end.event, end.json["data"]["status"]) == ("error", "end", "failed")
    assert ENDS[case] in error.json["data"]["text"]
    failed = client.http.get(WORKFLOWS, params={"job_id": job_id})
    assert failed.json()["detail"]["code"] == "JOB_FAILED"
    assert failed.json()["detail"]["error_detail"]["message"] == error.json["data"]["text"]
    assert KEY not in f"{error.data} {failed.text}"
    models.wait_until_at_rest()


def test_a_model_that_recovers_is_an_answer(models: ScriptedModels, client: Client, flow_id: str) -> None:
    """Nobody is told of the tries before."""
    left = list(MISBEHAVIOURS["500, then 503"].script)
    models.script = lambda request: left.pop(0)
    answer = client.run(flow_id, input_value="hello").json()
    assert (answer["status"], answer["output"]["text"], left) == ("completed", "All good", [])
