"""APIRequest: what is sent, what is told of the answer, and what a crash may repeat."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from flows.errors import VertexFailed
from flows.graph import Graph
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.values import Data, Message, Table
from tests.flows.components.producing import produce
from tests.flows.outbound.site import Asked, Page, Site
from tests.flows.running import JOB_ID, run, tools
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import FLAG, PLAIN, TEXT, Exported, Shape

ROWS: Exported = {"type": "table", "value": [], "input_types": ["Data", "JSON"]}
OFF = FLAG | {"value": False}

SHAPE = Shape(
    "API Request",
    {
        "mode": {"type": "tab", "value": "URL"},
        "url_input": TEXT,
        "curl_input": TEXT,
        "method": PLAIN | {"value": "GET"},
        "query_params": {"type": "other", "value": "", "input_types": ["Data", "JSON"]},
        "headers": ROWS | {"value": [{"key": "User-Agent", "value": "Langflow/1.0"}]},
        "body": ROWS,
        "timeout": {"type": "int", "value": 30},
        "follow_redirects": OFF,
        "save_to_file": OFF,
        "include_httpx_metadata": OFF,
    },
    {"data": ["JSON"]},
)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def site() -> Iterator[Site]:
    """Answers `{"ok":true}` under `/`."""
    with Site({"/": Page(200, JSON, [b'{"ok":true}'])}) as started:
        yield started


def request(site: Site | None = None, **fields: Any) -> Exported:
    given = {"url_input": site.url()} if site else {}
    return node("APIRequest", "r", shape=SHAPE, **{**given, **fields})


def told(exported: Exported, **brought: Any) -> dict[str, Any]:
    """What is put out of the answer."""
    data = produce(exported, **brought).outputs("r")["data"]
    assert isinstance(data, Data)
    return dict(data.data)


def sent(site: Site, exported: Exported, **brought: Any) -> Asked:
    """The one request that arrives."""
    produce(exported, **brought)
    [asked] = site.asked
    return asked


def test_the_answer_is_told_with_its_source_and_status(site: Site) -> None:
    found = told(request(site))
    assert found.pop("response_headers")["content-type"] == "application/json"
    assert found == {"source": site.url(), "status_code": 200, "result": {"ok": True}}


LARGE, DEEP = str(2**64 - 1), "[" * 120 + "]" * 120
RESULTS: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "JSON": ("application/json", b"[1, 2.5]", {"result": [1, 2.5]}),
    "JSON that calls itself a text": ("text/plain", b'{"a":1}', {"result": {"a": 1}}),
    "a text": ("text/plain", b"Hi", {"result": "Hi"}),
    "a text in its encoding": ("text/plain; charset=latin-1", "é".encode("latin-1"), {"result": "é"}),
    "broken JSON": ("application/json", b'{"a":', {"result": '{"a":'}),
    "JSON with a number that cannot be stored": ("text/json", LARGE.encode(), {"result": LARGE}),
    "JSON that is too deep to be stored": ("text/json", DEEP.encode(), {"result": DEEP}),
    "nothing": ("", b"", {"result": ""}),
    "no text": ("image/png", b"\x89PNG", {"result": "iVBORw==", "encoding": "base64"}),
}


@pytest.mark.parametrize("case", RESULTS)
def test_a_body_is_told_as_what_it_is(case: str, site: Site) -> None:
    kind, content, result = RESULTS[case]
    site.pages["/"] = Page(200, {"Content-Type": kind}, [content] if content else [])
    found = told(request(site))
    assert {name: found[name] for name in ("result", "encoding") if name in found} == result


@pytest.mark.parametrize("status", [201, 404, 500])
def test_a_status_of_failure_is_an_answer_too(status: int, site: Site) -> None:
    site.pages["/"] = Page(status, JSON, [b'{"error":"no"}'])
    found = told(request(site))
    assert (found["status_code"], found["result"]) == (status, {"error": "no"})


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_the_method_is_sent(method: str, site: Site) -> None:
    assert sent(site, request(site, method=method)).method == method


BODIES: dict[str, tuple[Any, Any]] = {
    "the editor's table": ([{"key": "a", "value": "x"}, {"key": "n", "value": "5"}], {"a": "x", "n": 5}),
    "JSON in the table": ([{"key": "a", "value": '{"b": [1]}'}], {"a": {"b": [1]}}),
    "a text of JSON": ('{"a": 1}', {"a": 1}),
}
BROUGHT: dict[str, tuple[Any, Any]] = {
    "a record, as it is": (Data({"a": "5", "b": [1]}), {"a": "5", "b": [1]}),
    "plain JSON": ({"a": 1}, {"a": 1}),
    "a table of names and values": (Table(("key", "value"), (("a", 1),)), {"a": 1}),
}


@pytest.mark.parametrize("case", BODIES)
def test_the_body_is_sent_as_json(case: str, site: Site) -> None:
    value, body = BODIES[case]
    asked = sent(site, request(site, method="POST", body=value))
    assert (orjson.loads(asked.body), asked.headers["content-type"]) == (body, "application/json")


@pytest.mark.parametrize("case", BROUGHT)
def test_an_edge_brings_the_body(case: str, site: Site) -> None:
    value, body = BROUGHT[case]
    assert orjson.loads(sent(site, request(site, method="PUT"), body=value).body) == body


@pytest.mark.parametrize(("method", "body"), [("GET", [{"key": "a", "value": "1"}]), ("POST", []), ("POST", "")])
def test_no_body_is_sent_where_there_is_none(method: str, body: Any, site: Site) -> None:
    asked = sent(site, request(site, method=method, body=body))
    assert (asked.body, "content-type" in asked.headers) == (b"", False)


def test_headers_are_sent_and_stand_before_our_own(site: Site) -> None:
    headers = [{"key": "content-type", "value": "application/vnd.a+json"}, {"key": "X-Key", "value": "k"}]
    asked = sent(site, request(site, method="POST", headers=headers, body='{"a":1}'))
    assert (asked.headers["content-type"], asked.headers["x-key"]) == ("application/vnd.a+json", "k")


def test_query_parameters_are_added_and_take_the_place_of_others(site: Site) -> None:
    exported = request(url_input=site.url("/?a=0&b="))
    asked = sent(site, exported, query_params=Data({"a": "x y", "n": [1, True], "z": None}))
    assert asked.path == "/?b=&a=x+y&n=1&n=true&z="


def test_the_source_is_told_without_its_query(site: Site) -> None:
    """It may hold a key (I8)."""
    assert told(request(url_input=site.url("/?key=canary")))["source"] == site.url()


@pytest.mark.parametrize("follows", [True, False])
def test_redirects_are_followed_only_when_asked(follows: bool, site: Site) -> None:
    site.pages["/old"] = Page(302, {"Location": "/"})
    found = told(request(url_input=site.url("/old?key=1"), follow_redirects=follows))
    assert found["status_code"] == (200 if follows else 302)
    assert found.get("redirection_history") == ([{"url": site.url("/old")}] if follows else None)


def test_the_headers_of_the_request_are_told_when_asked_without_secrets(site: Site) -> None:
    headers = [{"key": "Authorization", "value": "canary"}, {"key": "Accept", "value": "text/plain"}]
    assert "headers" not in told(request(site, headers=headers))
    assert told(request(site, headers=headers, include_httpx_metadata=True))["headers"] == {
        "Authorization": "***",
        "Accept": "text/plain",
    }


def test_an_answer_is_not_saved_to_a_file(site: Site) -> None:
    with pytest.raises(VertexFailed, match="Turn Save to File off"):
        told(request(site, save_to_file=True))
    assert site.asked == []


def test_a_curl_command_is_the_request(site: Site) -> None:
    """The other fields are not."""
    command = f"curl -X PUT '{site.url('/x')}' -H 'X-Key: k' -d a=1"
    asked = sent(site, request(mode="cURL", curl_input=command, url_input="https://nowhere.example", method="GET"))
    assert (asked.method, asked.path, asked.headers["x-key"], asked.body) == ("PUT", "/x", "k", b"a=1")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


def test_an_edge_brings_the_curl_command(site: Site) -> None:
    assert sent(site, request(mode="cURL"), curl_input=Message(f"curl {site.url('/x')}")).path == "/x"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no URL": ({}, "no URL is given. Fill in the field URL"),
    "a URL without host": ({"url_input": "https://"}, "a URL names no host"),
    "no command": ({"mode": "cURL"}, "no cURL command is given"),
    "a command that is none": ({"mode": "cURL", "curl_input": "wget x"}, "does not begin with `curl`"),
    "a method of a command": ({"mode": "cURL", "curl_input": "curl -X TRACE a.example"}, "Use one of GET, HEAD"),
    "a header of a command": ({"mode": "cURL", "curl_input": "curl -H 'Host: b' a.example"}, "'Host' is set by itself"),
    "a method": ({"url_input": "a.example", "method": "TRACE"}, "field 'method'"),
    "a time": ({"url_input": "a.example", "timeout": 0}, "field 'timeout'"),
    "a header": ({"url_input": "a.example", "headers": [{"key": "a b", "value": "1"}]}, "field 'headers'"),
    "a body": ({"url_input": "a.example", "body": [1]}, "field 'body'"),
    "a scheme": ({"url_input": "ftp://a.example"}, "only http and https URLs may be called"),
    "a password": ({"url_input": "https://me:canary@a.example"}, "Send them in a header"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_refused_with_the_remedy(case: str) -> None:
    fields, reason = WRONG[case]
    with pytest.raises(VertexFailed) as caught:
        told(request(**fields))
    assert reason in caught.value.reason
    assert "canary" not in str(caught.value)


def test_what_flows_may_not_call_is_not_called(site: Site) -> None:
    """Fault F7."""
    with pytest.raises(VertexFailed, match=r"its address 127\.0\.0\.1 is loopback"):
        produce(request(site), borrowed=tools(outbound=Outbound(OutboundPolicy())))
    assert site.connections == 0


def test_an_answer_may_take_so_long_and_no_longer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(VertexFailed, match="no whole answer within 1 s"):
            told(request(url_input=url, timeout=1))


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_what_may_change_something_is_intended_first_and_has_its_key(method: str, site: Site) -> None:
    """It must not happen twice (rule 6)."""
    journal = produce(request(site, method=method))
    [asked] = site.asked
    assert journal.intents == [("r", 1)]
    assert asked.headers["idempotency-key"] == f"{JOB_ID}:r:1"


def test_what_changes_nothing_may_be_repeated(site: Site) -> None:
    journal = produce(request(site))
    [asked] = site.asked
    assert journal.intents == []
    assert "idempotency-key" not in asked.headers


@pytest.mark.parametrize(("options", "intents"), [("", []), ("-I", []), ("-d a=1", [("r", 1)])])
def test_a_command_decides_whether_it_may_be_repeated(options: str, intents: list[tuple[str, int]], site: Site) -> None:
    """Also one that an edge brings."""
    journal = produce(request(mode="cURL"), curl_input=Message(f"curl {site.url()} {options}"))
    assert journal.intents == intents


def test_a_key_of_the_flows_own_is_kept(site: Site) -> None:
    headers = [{"key": "idempotency-key", "value": "mine"}]
    assert sent(site, request(site, method="POST", headers=headers)).headers["idempotency-key"] == "mine"


def test_a_request_that_cannot_be_made_is_not_intended() -> None:
    """Nobody is asked after a crash what became of it."""
    with pytest.raises(VertexFailed, match="no URL is given"):
        told(request(method="POST"))


def test_a_flow_shows_what_an_api_answers(load: Callable[[Exported], Graph], site: Site) -> None:
    """From the editor's own template: API Request → ChatOutput."""
    ask, end = from_palette("APIRequest.json", url_input=site.url()), node("ChatOutput", "out")
    journal = run(load(flow([ask, end], [edge(ask, "data", end, "input_value")])))
    [record] = journal.messages
    assert orjson.loads(record.message.text)["result"] == {"ok": True}
