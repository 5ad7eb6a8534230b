"""APIRequest: one HTTP request to any API."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
from pydantic import BeforeValidator, Field

from flows.codec import MAX_DEPTH, plain
from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.errors import ValueWithoutCodec
from flows.outbound.client import CROSSING, OutboundAnswer, OutboundCall
from flows.reading.crawling import with_scheme
from flows.reading.curl import parse_curl
from flows.reading.pages import PageUnreadable, decoded
from flows.reading.pairs import KEY, header_pairs, pairs
from flows.redaction import REDACTED
from flows.text import to_text
from flows.values import Data, Json

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""
METHODS = (*SAFE, "POST", "PATCH", "PUT", "DELETE")
IDEMPOTENCY_KEY = "Idempotency-Key"


def _query(given: Any) -> dict[str, Json]:
    return dict(parse_qsl(given, keep_blank_values=True)) if isinstance(given, str) else pairs(given)


def _body(given: Any) -> Json:
    """The JSON that a body is. In the editor's table every value is a text: one that is JSON is taken as that."""
    if isinstance(given, str):
        return _as_json(given) if given.strip() else None
    rows = isinstance(given, Sequence) and all(isinstance(row, Mapping) and KEY in row for row in given)
    return {name: _as_json(value) if rows else value for name, value in pairs(given).items()} or None


def _as_json(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        found: Json = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return found


class ApiRequestFields(Inputs):
    mode: Literal["URL", "cURL"] = "URL"
    url_input: Text = Field("", repr=False)
    curl_input: Text = Field("", repr=False)
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"] = "GET"
    query_params: Annotated[dict[str, Any], BeforeValidator(_query)] = Field({}, repr=False)
    headers: Annotated[dict[str, str], BeforeValidator(header_pairs)] = Field({}, repr=False)
    body: Annotated[Any, BeforeValidator(_body)] = Field(None, repr=False)
    timeout: int = Field(30, ge=1)
    follow_redirects: bool = False
    save_to_file: bool = False
    include_httpx_metadata: bool = False


class ApiRequest(Component[ApiRequestFields]):
    """Sends a request and puts out what was answered, whatever the status. One that may change something is sent once,
    under the idempotency key of its visit."""

    types = ("APIRequest",)
    inputs = ApiRequestFields
    outputs: ClassVar = {"data": Port(("JSON",))}
    effect = Effect.ONCE

    def effect_of(self, inputs: ApiRequestFields) -> Effect:
        return Effect.IDEMPOTENT if call_of(inputs).method in SAFE else Effect.ONCE

    async def build(self, inputs: ApiRequestFields, context: VertexContext) -> Outputs:
        return {"data": await send(inputs, context)}


async def send(inputs: ApiRequestFields, context: VertexContext) -> Data:
    """What the request that the fields make is answered."""
    call = call_of(inputs, context.idempotency_key)
    answer = await context.tools.outbound.call(call)
    return Data(_told(call, answer, inputs))


def call_of(inputs: ApiRequestFields, idempotency_key: str | None = None) -> OutboundCall:
    """The request that the fields make. Raises `ValueError` when they make none."""
    if inputs.save_to_file:
        raise ValueError("an answer cannot be saved to a file here. Turn Save to File off and connect what saves it.")
    call = _of_command(inputs) if inputs.mode == "cURL" else _of_fields(inputs)
    if call.method in SAFE or idempotency_key is None or _has(call.headers, IDEMPOTENCY_KEY):
        return call
    return replace(call, headers={**call.headers, IDEMPOTENCY_KEY: idempotency_key})


def _of_fields(inputs: ApiRequestFields) -> OutboundCall:
    url = inputs.url_input.strip()
    if not url:
        raise ValueError("no URL is given. Fill in the field URL, or connect something to it.")
    content = None if inputs.method in SAFE or inputs.body is None else orjson.dumps(inputs.body)
    is_typed = content is None or _has(inputs.headers, "Content-Type")
    return OutboundCall(
        _with_query(with_scheme(url), inputs.query_params),
        inputs.method,
        inputs.headers if is_typed else {**inputs.headers, "Content-Type": "application/json"},
        content,
        inputs.timeout,
        follow_redirects=inputs.follow_redirects,
    )


def _of_command(inputs: ApiRequestFields) -> OutboundCall:
    if not inputs.curl_input.strip():
        raise ValueError("no cURL command is given. Fill in the field cURL, or connect something to it.")
    asked = parse_curl(inputs.curl_input)
    if asked.method not in METHODS:
        raise ValueError(f"the cURL command has a method that is not understood. Use one of {', '.join(METHODS)}.")
    return OutboundCall(
        with_scheme(asked.url),
        asked.method,
        header_pairs(asked.headers),
        asked.content,
        min(inputs.timeout, asked.seconds or inputs.timeout),
        follow_redirects=asked.follows_redirects or inputs.follow_redirects,
    )


def _has(headers: Mapping[str, str], name: str) -> bool:
    return name.lower() in {header.lower() for header in headers}


def _with_query(url: str, params: Mapping[str, Json]) -> str:
    """The URL with those parameters, which take the place of its own of the same name."""
    if not params:
        return url
    parts = urlsplit(url)
    own = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in params]
    added = [(name, to_text(one)) for name, value in params.items() for one in _each(value)]
    return urlunsplit(parts._replace(query=urlencode([*own, *added])))


def _each(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _told(call: OutboundCall, answer: OutboundAnswer, inputs: ApiRequestFields) -> dict[str, Json]:
    """The answer as Langflow tells it. A URL is told without its query, and of the request's headers only those that
    hold no secret."""
    told: dict[str, Json] = {
        "source": _without_query(call.url),
        "status_code": answer.status,
        "response_headers": dict(answer.headers),
        **_result(answer),
    }
    if answer.redirects:
        told["redirection_history"] = [{"url": _without_query(url)} for url in answer.redirects]
    if inputs.include_httpx_metadata:
        told["headers"] = {
            name: value if name.lower() in CROSSING else REDACTED for name, value in call.headers.items()
        }
    return told


def _result(answer: OutboundAnswer) -> dict[str, Json]:
    """The body: JSON where it is that, else text; what is no text in Base64."""
    try:
        text = decoded(answer)
    except PageUnreadable:
        return {"result": b64encode(answer.content).decode(), "encoding": "base64"}
    try:
        return {"result": plain(orjson.loads(answer.content), "result", MAX_DEPTH - 2)}
    except (orjson.JSONDecodeError, ValueWithoutCodec):
        return {"result": text}


def _without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
