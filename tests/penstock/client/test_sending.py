"""penstock/client/sending.py and errors.py: what becomes of one call, and how a refusal is told."""

from typing import Any

import httpx
import pytest

from penstock.client import calls
from penstock.client.call import Call, Request, nothing
from penstock.client.connecting import checked_url, headers_of
from penstock.client.errors import (
    AlreadyAnswered,
    Busy,
    Conflict,
    ConnectionLost,
    Forbidden,
    InvalidRequest,
    NotFound,
    Refused,
    RunTimedOut,
    ServerFailed,
    Unauthenticated,
    UnexpectedAnswer,
    refusal_of,
)
from penstock.client.patience import Patience
from penstock.client.sending import Sending

SENT = httpx.Request("POST", "http://penstock.test/api/v2/workflows")


def answer(status: int, body: Any, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers, request=SENT)


def detail(code: str, **more: Any) -> dict[str, Any]:
    return {"detail": {"error": "E", "code": code, "message": "It is so.", **more}}


@pytest.mark.parametrize(
    ("response", "kind", "code", "told"),
    [
        (
            answer(422, {"detail": [{"loc": ["body", "mode"], "msg": "is wrong"}]}),
            InvalidRequest,
            None,
            "body.mode: is",
        ),
        (answer(400, detail("INVALID_FLOW_DATA")), InvalidRequest, "INVALID_FLOW_DATA", "It is so."),
        (answer(403, {"detail": "Invalid API key"}), Unauthenticated, None, "Invalid API key. Give an API key"),
        (answer(401, {"detail": "Invalid token"}), Unauthenticated, None, "Invalid token."),
        (answer(403, detail("NOT_AN_ANSWERER")), Forbidden, "NOT_AN_ANSWERER", "It is so."),
        (answer(404, detail("JOB_NOT_FOUND")), NotFound, "JOB_NOT_FOUND", "check the id"),
        (answer(409, detail("NAME_TAKEN")), Conflict, "NAME_TAKEN", "It is so."),
        (answer(409, detail("NOT_RESUMABLE", answered={"by": "ada"})), AlreadyAnswered, "NOT_RESUMABLE", "It is"),
        (answer(408, detail("EXECUTION_TIMEOUT")), RunTimedOut, "EXECUTION_TIMEOUT", "It is so."),
        (answer(503, detail("DATABASE_ERROR")), Busy, "DATABASE_ERROR", "Try again later"),
        (answer(500, detail("INTERNAL_SERVER_ERROR")), ServerFailed, "INTERNAL_SERVER_ERROR", "log of the server"),
    ],
)
def test_a_refusal_is_told_by_its_kind(
    response: httpx.Response, kind: type[Refused], code: str | None, told: str
) -> None:
    """With status, code, the server's own words, and what to do."""
    refused = refusal_of(response)
    assert isinstance(refused, Refused)
    assert (type(refused), refused.status, refused.code) == (kind, response.status_code, code)
    assert told in str(refused)
    assert refused.detail == response.json()["detail"]


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, text="<html>nginx</html>", request=SENT),
        httpx.Response(500, json=["no"], request=SENT),
        httpx.Response(308, headers={"location": "https://penstock.test/"}, request=SENT),
    ],
)
def test_what_is_no_penstock_is_said_to_be_none(response: httpx.Response) -> None:
    assert isinstance(refusal_of(response), UnexpectedAnswer)


def sending(call: Call[Any], seconds: float = 10) -> Sending[Any]:
    return Sending(call, Patience(seconds, clock=lambda: 0.0, dice=lambda low, high: low))


def lost(kind: type[httpx.TransportError]) -> httpx.TransportError:
    return kind("gone", request=SENT)


def test_a_call_that_is_safe_is_sent_again() -> None:
    """After what the server asks for, or longer each time."""
    busy = sending(calls.submit("flow"))
    busy.heard(answer(503, detail("SERVICE_BUSY"), **{"retry-after": "4"}))
    assert busy.delay == 4
    busy.lost(lost(httpx.ReadError))
    assert busy.delay == 1
    with pytest.raises(Busy):
        busy.heard(answer(429, detail("SERVICE_BUSY"), **{"retry-after": "11"}))


def test_a_call_that_is_not_safe_is_sent_again_only_when_it_never_arrived() -> None:
    go_on = calls.resume("job")
    unheard = sending(go_on)
    unheard.lost(lost(httpx.ConnectError))
    assert unheard.delay > 0
    for way in (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError):
        with pytest.raises(ConnectionLost):
            sending(go_on).lost(lost(way))
    with pytest.raises(Busy):
        sending(go_on).heard(answer(503, detail("DATABASE_ERROR")))


def test_an_answer_that_does_not_fit_is_told_with_its_place() -> None:
    with pytest.raises(UnexpectedAnswer, match="`job_id`: Field required"):
        sending(calls.stop("job")).heard(answer(200, {"message": "x"}))


def test_each_submit_has_a_key_of_its_own_unless_one_is_given() -> None:
    keys = [calls.submit("flow").request.json["idempotency_key"] for _ in range(2)]
    assert len(set(keys)) == 2
    assert calls.submit("flow", idempotency_key="mine").request.json["idempotency_key"] == "mine"


def test_a_flow_without_an_id_is_given_one_so_that_it_is_stored_once() -> None:
    call = calls.push_flow({"name": "x", "data": {}, "id": None})
    assert (call.request.method, call.repeatable) == ("PUT", True)
    assert len(call.request.path.removeprefix("/api/v1/flows/")) == 36


@pytest.mark.parametrize("url", ["", "localhost:7860", "ftp://x", "http://", "/x"])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no URL of a server"):
        checked_url(url)


@pytest.mark.parametrize("key", ["schlüssel", "a\nb"])
def test_what_cannot_be_a_key_is_refused_and_not_told(key: str) -> None:
    with pytest.raises(ValueError, match="no key has") as refused:
        headers_of(key)
    assert key not in str(refused.value)


def test_a_call_shows_no_secret() -> None:
    """Bodies hold tweaks and globals: they are in no repr, which tracebacks and logs show."""
    assert "canary" not in repr(calls.run("flow", globals={"KEY": "canary"}))
    assert "canary" not in repr(Call(Request("POST", "/", {"a": "canary"}), nothing))
