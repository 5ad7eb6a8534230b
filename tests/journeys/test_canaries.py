"""Seeded secrets are found nowhere, whatever becomes of the runs that they are given to (I8)."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pytest

from flows.redaction import REDACTED
from tests import services
from tests.deployments import Deployment
from tests.journeys.canaries import Places, canary
from tests.journeys.conftest import QUICK, SETUPS, Deploy, settings_of
from tests.journeys.gated import SETTING, Gate, row
from tests.making import approval_flow, model_flow, node, template
from tests.model_stub import ModelStub
from tests.reading import PATIENCE, WORKFLOWS, Client, frames
from tests.shapes import Exported

MODEL = "LanguageModelComponent-m1"
VARIABLES = "/api/v1/variables/"
MODES = ("sync", "stream", "background")
SOURCES: Mapping[str, str] = {
    "tweak": "",
    "body": "BODY_TOKEN",
    "header": "HEADER_TOKEN",
    "variable": "VARIABLE_TOKEN",
    "settings": "",
}
"""Where the key that the model is sent may come from, and the variable that the flow names for it."""
SHOWN = ("bootstrap", "wrong", "bearer", "cookie", "query")
"""What callers show of themselves."""


class Watched:
    """A deployment that is given secrets, and listened to from all sides."""

    def __init__(self, deployment: Deployment, secrets: Mapping[str, str]) -> None:
        self.deployment = deployment
        self.secrets = secrets
        self.places = Places(deployment)
        self.client = Client(deployment.url, key=secrets["bootstrap"])

    def run(self, flow_id: str, mode: str, text: str, *, tweaked: bool = False) -> str:
        """Runs a flow with secrets and hears its direct answer; the job's id.

        The answer echoes what was given to whoever gave it, as the contract has it; nothing else does.
        """
        given = {"BODY_TOKEN": self.secrets["body"]}
        tweaks = {MODEL: {"api_key": self.secrets["tweak"]}} if tweaked else {}
        body = {"flow_id": flow_id, "mode": mode, "input_value": text, "globals": given, "tweaks": tweaks}
        headers = {"X-LANGFLOW-GLOBAL-VAR-HEADER_TOKEN": self.secrets["header"]}
        with self.client.http.stream("POST", WORKFLOWS, json=body, headers=headers) as answer:
            self.places.hear(repr(answer.headers))
            if mode == "stream":
                self.places.hear(*(frame.data for frame in frames(answer)))
                return str(answer.headers["x-job-id"])
            told = json.loads(answer.read())
        assert told.pop("globals") == {**given, "HEADER_TOKEN": self.secrets["header"]}
        assert told.pop("inputs", tweaks) == tweaks
        self.places.hear(json.dumps(told))
        return str(told["job_id"])

    def hear(self, method: str, url: str, **content: Any) -> httpx.Response:
        answer = self.client.http.request(method, url, **content)
        self.places.hear(repr(answer.headers), answer.text)
        return answer

    def hear_of(self, job_id: str) -> str:
        """Hears everything that may be asked about a job, when it has ended or stands still; its status."""
        self.places.hear(*(frame.data for frame in self.client.events(job_id)))
        for path in (f"/{job_id}", f"/{job_id}/pending", f"?job_id={job_id}", "/jobs"):
            self.hear("GET", f"{WORKFLOWS}{path}")
        for path in ("/api/v2/human-requests", VARIABLES, "/api/v1/flows/", "/ready"):
            self.hear("GET", path)
        return str(self.client.job(job_id)["status"])

    def check(self, text: str) -> None:
        """No secret stands anywhere. What was asked does, in the same places, so that a secret would be found."""
        found = self.places.holding([text, *self.secrets.values()])
        assert not {name: places for name, secret in self.secrets.items() if (places := found[secret])}
        seen = found[text]
        assert {"table jobs", "table job_events"} <= set(seen)
        if self.deployment.redis_url is None:
            assert any(place.startswith("file penstock.db") for place in seen)
        else:
            assert any(place.startswith("redis ") for place in seen)


@pytest.fixture(scope="module")
def own_stub() -> Iterator[ModelStub]:
    with ModelStub() as stub:
        yield stub


@pytest.fixture(scope="module", params=SETUPS)
def watched(request: pytest.FixtureRequest, deploying: Deploy, own_stub: ModelStub) -> Iterator[Watched]:
    """A Penstock with a secret in every setting that takes one, and one variable."""
    secrets = {name: canary(name) for name in (*SOURCES, *SHOWN)}
    settings = {
        **QUICK,
        **SETTING,
        **settings_of(own_stub),
        "PENSTOCK_MODEL_API_KEY": secrets["settings"],
        "PENSTOCK_BOOTSTRAP_KEY": secrets["bootstrap"],
    }
    with deploying(request.param, **settings) as deployment, overheard(deployment):
        watched = Watched(deployment, secrets)
        with closing(watched.client):
            created = {"name": "VARIABLE_TOKEN", "value": secrets["variable"]}
            assert watched.hear("POST", VARIABLES, json=created).status_code == 201
            yield watched


@contextmanager
def overheard(deployment: Deployment) -> Iterator[None]:
    """Writes everything that is told to Redis meanwhile into a file of the deployment."""
    if deployment.redis_url is None:
        yield
        return
    heard = deployment.webs[0].log.with_name("redis.monitor")
    with heard.open("wb") as file:
        command = [services.find("redis-cli") or "redis-cli", "-u", deployment.redis_url, "monitor"]
        monitor = subprocess.Popen(command, stdout=file)
        try:
            yield
        finally:
            monitor.kill()
            monitor.wait()
    assert b"build_flow" in heard.read_bytes()


@pytest.fixture
def stub(own_stub: ModelStub) -> Iterator[ModelStub]:
    yield own_stub
    own_stub.fail_no_more()


@pytest.fixture
def text() -> str:
    """What a run is asked: nothing secret."""
    return f"question-{uuid4().hex}"


def asking_with(source: str) -> Exported:
    """A flow that asks a model with a key from somewhere."""
    asks = model_flow()
    template(asks["nodes"][1])["api_key"]["value"] = SOURCES[source]
    return asks


@pytest.mark.parametrize("source", SOURCES)
def test_runs_that_complete(watched: Watched, stub: ModelStub, source: str, text: str) -> None:
    """The model got the key, and nobody else."""
    flow_id = watched.client.store(asking_with(source))
    for mode in MODES:
        job_id = watched.run(flow_id, mode, text, tweaked=source == "tweak")
        assert watched.hear_of(job_id) == "completed"
        assert stub.requests[-1].key == watched.secrets[source]
    watched.check(text)


@pytest.mark.parametrize("source", SOURCES)
def test_runs_that_fail(watched: Watched, stub: ModelStub, source: str, text: str) -> None:
    """What the model says of the key, and of what else the run was told, is told without it."""
    key, given, also = (watched.secrets[name] for name in (source, "body", "header"))
    stub.fail_with(HTTPStatus.UNAUTHORIZED, f"Incorrect API key provided: {key}, with {given} and {also}.")
    flow_id = watched.client.store(asking_with(source))
    for mode in MODES:
        job_id = watched.run(flow_id, mode, text, tweaked=source == "tweak")
        assert watched.hear_of(job_id) == "failed"
        told = f"Incorrect API key provided: {REDACTED}, with {REDACTED} and {REDACTED}."
        assert told in watched.client.job(job_id)["error"]["message"]
    watched.check(text)


@pytest.mark.parametrize("mode", MODES)
def test_runs_that_wait_for_a_person(watched: Watched, mode: str, text: str) -> None:
    """While they wait, and when they have gone on."""
    job_id = watched.run(watched.client.store(approval_flow()), mode, text, tweaked=True)
    assert watched.hear_of(job_id) == "suspended"
    watched.check(text)
    [asked] = watched.client.asked(job_id)
    assert watched.client.resume(job_id, asked["request_id"], "approve").status_code == 200
    assert watched.hear_of(job_id) == "completed"
    watched.check(text)


def test_runs_that_crash(watched: Watched, stub: ModelStub, gate: Gate, text: str) -> None:
    """Their workers are killed in the middle of a vertex, and others take them up."""
    asks = node("LanguageModelComponent", MODEL, api_key="BODY_TOKEN")
    flow_id = watched.client.store(row([gate.step("step-1"), asks]))

    def run(mode: str) -> None:
        # A client of the process that is killed hears no more.
        with suppress(httpx.TransportError):
            watched.run(flow_id, mode, text)

    with ThreadPoolExecutor(len(MODES)) as clients:
        waiting = [clients.submit(run, mode) for mode in MODES]
        gate.await_lines(len(MODES))
        for program in watched.deployment.workplaces:
            program.kill()
        watched.check(text)
        watched.deployment.start()
        gate.open()
        for client in waiting:
            client.result(PATIENCE)
    jobs = watched.client.http.get(f"{WORKFLOWS}/jobs", params={"flow_id": flow_id}).json()["jobs"]
    assert len(jobs) == len(MODES)
    for job in jobs:
        assert watched.hear_of(job["job_id"]) == "completed"
    assert {request.key for request in stub.requests[-len(MODES) :]} == {watched.secrets["body"]}
    watched.check(text)
    assert "clients" in watched.places.holding([text])[text]


def test_requests_that_are_refused(watched: Watched, text: str) -> None:
    """Neither a wrong credential nor a body that does not fit is repeated by anybody."""
    secrets, flow_id = watched.secrets, watched.client.store(asking_with("body"))
    watched.hear_of(watched.run(flow_id, "sync", text))
    shown: list[dict[str, Any]] = [
        {"headers": {"x-api-key": secrets["wrong"]}},
        {"headers": {"Authorization": f"Bearer {secrets['bearer']}"}},
        {"headers": {"Cookie": f"access_token_lf={secrets['cookie']}"}},
        {"params": {"x-api-key": secrets["query"]}},
    ]
    for one in shown:
        with httpx.Client(base_url=watched.deployment.url) as stranger:
            answer = stranger.get(VARIABLES, **one)
        assert answer.status_code in (401, 403)
        watched.places.hear(repr(answer.headers), answer.text)
    bodies: list[tuple[str, Any]] = [
        (WORKFLOWS, {"flow_id": flow_id, "globals": {"A": secrets["body"], "B": 5}}),
        (WORKFLOWS, {"flow_id": flow_id, "globals": {"A": secrets["body"] * 2_000}}),
        (WORKFLOWS, {"flow_id": flow_id, "tweaks": secrets["tweak"]}),
        (VARIABLES, {"value": secrets["variable"]}),
        (VARIABLES, {"name": "A", "value": secrets["variable"] * 2_000}),
    ]
    for url, body in bodies:
        assert watched.hear("POST", url, json=body).status_code == 422
    watched.check(text)
