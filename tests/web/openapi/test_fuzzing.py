"""Requests made from the document: whatever is sent, the answer is one that is described, and none is a 5xx."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple, TypeAlias

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.routing import Route

from tests.deployments import embedded
from tests.making import approval_flow, echo_flow, failing_flow
from tests.reading import WORKFLOWS, Client
from tests.web.conftest import FIRST_KEY
from web.routes import ROUTES

SETTINGS = {
    "PENSTOCK_BOOTSTRAP_KEY": FIRST_KEY,
    "PENSTOCK_PUBLIC_RUNS_PER_MINUTE": "100000",
    "PENSTOCK_MAX_BODY_BYTES": "100000",
    "PENSTOCK_SYNC_TIMEOUT_SECONDS": "5",
}
ANY_TEXT = {"type": "string", "minLength": 1}
"""Of a part of a path: nothing can be sent that does not fit."""
ENDLESS = "/api/v2/human-requests/events"
SEARCH: dict[str, Any] = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
AnyCase: TypeAlias = schemathesis.Case[Any]
UNTOLD = [positive_data_acceptance]
"""That what fits its schema is taken: no schema says which graphs can run, or which fields exclude each other."""


class Stored(NamedTuple):
    """A server with something of everything, so that requests come further than to a 404."""

    url: str
    ids: dict[str, list[str]]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    folder = tmp_path_factory.mktemp("fuzzed")
    with embedded(folder, SETTINGS) as deployment, closing(Client(deployment.url, FIRST_KEY)) as client:
        yield Stored(deployment.url, _fill(client))
        assert client.http.get("/ready").status_code == 200


def _fill(client: Client) -> dict[str, list[str]]:
    echo, asks, fails = (client.store(make(), name) for name, make in _FLOWS.items())
    client.http.patch(f"/api/v1/flows/{echo}", json={"access_type": "PUBLIC"})
    client.http.cookies.set("client_id", "a visitor")
    jobs = [str(client.run(flow, input_value="x").json()["job_id"]) for flow in (echo, asks, fails)]
    post = client.http.post
    return {
        "flow_id": [echo, asks, fails],
        "job_id": jobs,
        "id_or_endpoint": [echo],
        "request_id": [one["request_id"] for one in client.asked(jobs[1])],
        "file_id": [post("/api/v2/files", files={"file": ("a.txt", "a text")}).json()["id"]],
        "variable_id": [post("/api/v1/variables/", json={"name": "V", "value": "v"}).json()["id"]],
        "project_id": [client.http.get("/api/v1/projects/").json()[0]["id"]],
        "api_key_id": [post("/api/v1/api_key/", json={"name": "another"}).json()["id"]],
        "share_id": [post(f"/api/v1/flows/{echo}/shares", json={"public": True, "level": "execute"}).json()["id"]],
    }


_FLOWS = {"echo": echo_flow, "asks": approval_flow, "fails": failing_flow}


@pytest.fixture
def described(full: Stored) -> Any:
    """The document as the server gives it, with requests that mean what is stored as often as not."""
    config = schemathesis.Config.from_dict(
        {
            "request-timeout": 30,
            "max-stream-events": 50,
            "generation": {"deterministic": True, "with-security-parameters": False},
        }
    )
    schema = schemathesis.openapi.from_url(f"{full.url}/openapi.json", config=config)

    @schema.hook
    def flatmap_path_parameters(context: Any, values: Any) -> Any:
        return _meaning(full, values, spares=context.operation.method.upper() == "DELETE")

    @schema.hook
    def flatmap_query(context: Any, values: Any) -> Any:
        return _meaning(full, values)

    @schema.hook
    def flatmap_body(context: Any, values: Any) -> Any:
        return _meaning(full, values, spares=context.operation.path.endswith("/stop"))

    return schema


def _meaning(full: Stored, values: Any, *, spares: bool = False) -> st.SearchStrategy[Any]:
    """The values, or the same with ids of what is stored; not where that would be gone afterwards, and never instead of
    a value that is not to fit."""
    fitting = values.items() if isinstance(values, dict) and not spares else ()
    meant = {name: st.sampled_from(full.ids[name]) for name, value in fitting if name in full.ids and _is_id(value)}
    if not meant:
        return st.just(values)
    return st.just(values) | st.fixed_dictionaries(meant).map(lambda found: {**values, **found})


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 36


OPERATIONS = [
    (method, place.path.replace(":path", ""))
    for place in ROUTES
    if isinstance(place, Route) and place.path != ENDLESS
    for method in sorted((place.methods or set()) - {"HEAD"})
]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)


@every_operation
def test_requests_made_from_the_document(described: Any, operation: tuple[str, str]) -> None:
    """What fits the document and what does not are both answered as it tells."""
    search(described, operation, 3)


@pytest.mark.long
@every_operation
def test_many_requests_made_from_the_document(described: Any, operation: tuple[str, str]) -> None:
    """The same with more requests."""
    search(described, operation, 200)


def search(described: Any, place: tuple[str, str], most: int) -> None:
    """Sends requests to an operation, as many as `most` that fit and, where it takes anything, as many that do not."""
    method, path = place
    operation = described[path][method]
    told = operation.definition.raw
    takes = "requestBody" in told or any(one["schema"] != ANY_TEXT for one in told.get("parameters", ()))
    for mode in schemathesis.GenerationMode if takes else (schemathesis.GenerationMode.POSITIVE,):
        requests = operation.as_strategy(generation_mode=mode)
        settings(max_examples=most, **SEARCH)(given(case=requests)(check))()


def check(case: AnyCase) -> None:
    response = case.call(headers={"x-api-key": FIRST_KEY})
    excluded = [not_a_server_error] if _is_failed_job(case, response) else []
    case.validate_response(response, excluded_checks=[*UNTOLD, *excluded])


def _is_failed_job(case: AnyCase, response: schemathesis.Response) -> bool:
    """A job that has failed is told with 500 (contract 1.2, G13), which is no error of the server."""
    is_asked = (case.method.upper(), case.path) == ("GET", WORKFLOWS)
    return is_asked and response.status_code == 500 and response.json()["detail"]["code"] == "JOB_FAILED"
