"""An OpenAI-compatible model endpoint that runs in a thread of the test and answers what the test says."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import ascii_lowercase
from threading import Thread
from typing import Any, Self

INPUT_TOKENS = 7
"""What every prompt costs here; an answer costs one token for each of its tokens."""


@dataclass(frozen=True)
class ModelRequest:
    """One request as it arrived; the names of its headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The API key that was sent."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def said(self, role: str) -> Any:
        """The content of the first message of a role."""
        return next(message["content"] for message in self.body["messages"] if message["role"] == role)


class ModelStub:
    """Streams `tokens` for every chat completion while it is entered. Requests are answered side by side.

    `before_token(index)` is called in the thread of the request before each token and once more, with the number of
    tokens, before the end: it may wait for an event or a barrier of the test, or raise `ConnectionError` to break the
    answer off. `fail_with(...)` makes every later request fail. Connections are kept alive, as by real endpoints.
    Embeddings are what `embed(text)` gives: how often each letter comes, unless the test sets another function.
    """

    def __init__(
        self,
        tokens: Sequence[str] = ("Hello", ", ", "world"),
        before_token: Callable[[int], object] = lambda index: None,
    ) -> None:
        self.tokens = tuple(tokens)
        self.before_token = before_token
        self.requests: list[ModelRequest] = []
        self.embed: Callable[[str], Sequence[float]] = letters
        self._failure: tuple[HTTPStatus, str] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL to give a model."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def answer(self) -> str:
        return "".join(self.tokens)

    def fail_with(self, status: HTTPStatus, message: str) -> None:
        """Answers every later request with an error."""
        self._failure = (status, message)

    def fail_no_more(self) -> None:
        """Answers every later request."""
        self._failure = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer_to(self, request: ModelRequest, handler: "_Handler") -> None:
        self.requests.append(request)
        if self._failure is not None:
            status, message = self._failure
            handler.send_json(status, {"error": {"message": message, "type": "stub_error"}})
            return
        if request.path.endswith("/embeddings"):
            handler.send_json(HTTPStatus.OK, _embeddings(request, self.embed))
            return
        handler.begin_stream()
        for index, text in enumerate(self.tokens):
            self.before_token(index)
            handler.send_frame(_chunk(request, {"role": "assistant", "content": text}))
        self.before_token(len(self.tokens))
        handler.send_frame(_chunk(request, {}, finish_reason="stop"))
        handler.send_frame(_chunk(request, None, usage=_usage(len(self.tokens))))
        handler.end_stream()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: ModelStub

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.stub.answer_to(ModelRequest(self.path, headers, body), self)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def send_json(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin_stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_frame(self, frame: Mapping[str, Any]) -> None:
        self._send(f"data: {json.dumps(frame)}\n\n".encode())

    def end_stream(self) -> None:
        self._send(b"data: [DONE]\n\n")
        self._send(b"")

    def _send(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))


def _handler_of(stub: ModelStub) -> type[_Handler]:
    return type("Handler", (_Handler,), {"stub": stub})


def _chunk(
    request: ModelRequest,
    delta: Mapping[str, Any] | None,
    *,
    finish_reason: str | None = None,
    usage: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": request.body["model"],
        "choices": choices,
        "usage": usage,
    }


def letters(text: str) -> list[float]:
    """How often each letter comes in a text."""
    return [float(text.casefold().count(letter)) for letter in ascii_lowercase]


def _embeddings(request: ModelRequest, embed: Callable[[str], Sequence[float]]) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": i, "embedding": embed(text)} for i, text in enumerate(request.body["input"])
    ]
    usage = {"prompt_tokens": INPUT_TOKENS, "total_tokens": INPUT_TOKENS}
    return {"object": "list", "data": data, "model": request.body["model"], "usage": usage}


def _usage(output_tokens: int) -> dict[str, int]:
    total = INPUT_TOKENS + output_tokens
    return {"prompt_tokens": INPUT_TOKENS, "completion_tokens": output_tokens, "total_tokens": total}
