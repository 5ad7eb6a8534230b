"""Follows a page of docs/ as a reader does: in an empty folder, from its first block to its last.

A block under a line that begins with a file name (`` `flow.py`: ``) is that file; another Python block is run as it
stands. A `sh` block is typed into a shell; the `text` block behind it is what it prints, `…` for what does not matter.
`penstock up` stays, and answers where the page says that it does.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from settings import Settings

ROOT = Path(__file__).parent.parent.parent
PORT = "7860"
"""Where every page has its server."""
PATIENCE = 60.0
_BLOCK = re.compile(
    r"(?:^`(?P<file>[\w./]+)`[^\n]*\n\n)?^```(?P<kind>\w+)\n(?P<content>.*?)^```$", re.DOTALL | re.MULTILINE
)
_SETTINGS = {str(setting.validation_alias) for setting in Settings.model_fields.values()}
_EXPORTED = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One block of a page; `prints` is what it says of its output."""

    kind: str
    content: str
    file: str | None
    prints: str | None


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page in their order, each with the output that stands behind it."""
    found = [*_BLOCK.finditer((ROOT / "docs" / page).read_text())]
    blocks = []
    for block, behind in zip(found, [*found[1:], None], strict=True):
        if block["kind"] != "text":
            prints = behind["content"] if behind is not None and behind["kind"] == "text" else None
            blocks.append(Block(block["kind"], block["content"], block["file"], prints))
    return blocks


@dataclass
class Reader:
    """Somebody in a folder, with what they have exported and started so far."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    server: "subprocess.Popen[str] | None" = None

    def follow(self, block: Block) -> None:
        """Does what a block says; fails when it does not come out as the page tells."""
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._here(block.content))
        elif block.kind == "python":
            self._shell(f"python - <<'END'\n{self._here(block.content)}END")
        elif block.kind == "sh":
            self._type(block)

    def close(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.server.communicate(timeout=PATIENCE)

    def _type(self, block: Block) -> None:
        content, serves = self._here(block.content), block.content.endswith("penstock up\n")
        self.environment |= dict(_EXPORTED.findall(content))
        printed = self._shell(content.removesuffix("penstock up\n"))
        if serves:
            self._serve()
        if block.prints is not None:
            assert re.fullmatch(_pattern(block.prints), printed, re.DOTALL), f"{block.content}\nprints\n{printed}"

    def _here(self, written: str) -> str:
        """What a page writes, with the port of this reader's server."""
        return written.replace(PORT, self.environment["PORT"])

    def _shell(self, typed: str) -> str:
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", typed],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert ended.returncode == 0, f"{typed}\nfails with\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def _serve(self) -> None:
        """Starts the server, and waits for the line that it prints when it answers."""
        self.server = subprocess.Popen(
            ["penstock", "up"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # Tests that run in the background ignore Ctrl-C, and what they start would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert self.server.stdout is not None
        while not (line := self.server.stdout.readline()).startswith("curl "):
            assert line, "the server ended"


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    """A reader in an empty folder, without any setting but a port of their own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ours = {"PATH": path, "PORT": str(port), "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    reader = Reader(folder, {**kept, **ours, **quick})
    try:
        yield reader
    finally:
        reader.close()


def _pattern(prints: str) -> str:
    return ".*".join(re.escape(part) for part in prints.rstrip("\n").split("…")) + r"\s*"
