"""A web site in a thread of the test, on any address of this machine, and lookups that say what the test wants."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self


@dataclass(frozen=True)
class Page:
    """What is answered under a path: the headers and the pieces of the body, each a chunk of its own."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Sequence[bytes] = (b"here",)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Site:
    """Answers with its pages while it is entered. `asked` are the requests, `connections` how often it was reached."""

    def __init__(self, pages: Mapping[str, Page] | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.pages = dict(pages or {})
        self.asked: list[Asked] = []
        self.connections = 0
        self._host = host
        self._server = ThreadingHTTPServer((host, port), type("Handler", (_Handler,), {"site": self}))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, path: str = "/", host: str | None = None) -> str:
        """The URL of a page, under another name of its host if one is given."""
        return f"http://{host or self._host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def setup(self) -> None:
        super().setup()
        self.site.connections += 1

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.site.asked.append(Asked(self.command, self.path, headers, body))
        page = self.site.pages.get(self.path.partition("?")[0], Page())
        self.send_response(page.status)
        for name, value in {**page.headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in (*page.body, b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Lookups:
    """Answers lookups of names in turn, the last answer for ever; `asked` are the names that were looked up."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
