"""A web page elsewhere, in a headless Chromium: it follows a job by the browser's own `EventSource`, and tells the test
what it sees.

`PENSTOCK_REQUIRE_SERVICES=1` turns a missing Chromium from a reason to skip into a failure.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeAlias
from urllib.parse import urlencode

from tests.reading import PATIENCE, Frame
from tests.services import lacking

Fact: TypeAlias = dict[str, Any]
"""`{"is": "open"}`, `{"is": "error", "closed": whether it will not come back}` or `{"is": "message", "id", "data"}`."""

_PAGE = b"""<!doctype html><title>A page elsewhere</title><script>
let told = Promise.resolve();
const tell = (fact) => { told = told.then(() => fetch("/facts", {method: "POST", body: JSON.stringify(fact)})); };
const events = new EventSource(new URLSearchParams(location.search).get("follow"));
events.onopen = () => tell({is: "open"});
events.onerror = () => tell({is: "error", closed: events.readyState === EventSource.CLOSED});
events.onmessage = ({lastEventId, data}) => tell({is: "message", id: lastEventId, data});
</script>"""
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
"""Without its sandbox Chromium runs as root too, in containers above all; it opens nothing here but our own page."""


class Page:
    """A page at an origin of its own. What its `EventSource` sees stands in `seen`, in order."""

    def __init__(self) -> None:
        self.seen: list[Fact] = []
        self._facts: Queue[Fact] = Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self._facts.put))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def frames(self) -> list[Frame]:
        """The events that it was given."""
        return [Frame(fact["id"], fact["data"]) for fact in self.seen if fact["is"] == "message"]

    def until(self, is_it: Callable[[Fact], bool]) -> Fact:
        """Waits for a fact."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fact = self._facts.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"the page saw no more than {self.seen}") from None
            self.seen.append(fact)
            if is_it(fact):
                return fact

    @contextmanager
    def served(self) -> Iterator["Page"]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    @contextmanager
    def following(self, url: str, folder: Path) -> Iterator[None]:
        """A browser shows the page, which follows a URL, until the end of the block; the folder holds its profile."""
        address = f"{self.origin}/?{urlencode({'follow': url})}"
        command = [chromium(), *_FLAGS, f"--user-data-dir={folder / 'profile'}", address]
        with open(folder / "chromium.log", "wb") as words:
            browser = subprocess.Popen(command, stdout=words, stderr=words, start_new_session=True)
            try:
                yield
            finally:
                os.killpg(browser.pid, signal.SIGKILL)
                browser.wait()


def chromium() -> str:
    """Where Chromium is. Skips the test, or fails it where services are required, when it is not installed."""
    return shutil.which("chromium") or lacking("not installed: chromium")


def _handler_of(tell: Callable[[Fact], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(_PAGE)

        def do_POST(self) -> None:
            tell(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler
