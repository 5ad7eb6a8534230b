"""What an agent does not take is refused by the route, and costs no more than it is worth."""

from typing import Any

import httpx
import pytest

from tests.reading import Client

FAR = "https://example.com/"


def say(client: Client, flow_id: str, *messages: Any, **also: Any) -> httpx.Response:
    sent = {"threadId": "t", "runId": "r", "state": {}, "tools": [], "context": [], "forwardedProps": {}}
    return client.http.post(f"/api/v2/agui/{flow_id}", json={**sent, "messages": messages, **also})


def of_user(content: Any) -> dict[str, Any]:
    return {"id": "1", "role": "user", "content": content}


def image(url: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "url", "value": url}}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("a\0b", ["body", "input_value"]),
        ([image(f"{FAR}{number}") for number in range(33)], ["body", "files"]),
        ([image(FAR + "a" * 600)], ["body", "files", 0]),
    ],
    ids=["text that cannot be stored", "too many files", "a long address"],
)
def test_what_no_run_takes(client: Client, echo: str, content: Any, place: list[Any]) -> None:
    """It is told as of any run, and nothing is run."""
    answer = say(client, echo, of_user(content))
    assert answer.status_code == 422, answer.text
    assert [fault["loc"] for fault in answer.json()["detail"]] == [place]


def test_an_interrupt_that_cannot_be(client: Client, echo: str) -> None:
    """No database is asked for what it cannot hold."""
    answer = say(client, echo, resume=[{"interruptId": "a\0b", "status": "resolved", "payload": "x"}])
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("messages", "kind"),
    [([{}] * 50_000, "too_long"), ([of_user([{}] * 50_000)], "too_many_faults")],
    ids=["messages", "parts of one message"],
)
def test_faults_without_number(client: Client, echo: str, messages: list[Any], kind: str) -> None:
    """They are not told one by one: the answer would be fifty times as large as the request (I10)."""
    answer = say(client, echo, *messages)
    assert answer.status_code == 422
    assert [fault["type"] for fault in answer.json()["detail"]] == [kind]
    assert len(answer.content) < 1_000
