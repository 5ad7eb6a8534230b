"""How a run is watched: in place on a terminal, else line by line on stderr."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from penstock.console import is_watched, remark, shown
from penstock.progress import SETTLED, Progress, State, VertexProgress

STREAMED_LINES = 12
"""As much of a streaming answer as is shown below the vertices; all of it is printed at the end."""

_LOOKS = {
    State.PENDING: ("·", "dim"),
    State.WAITING: ("?", "magenta"),
    State.DONE: ("✓", "green"),
    State.SKIPPED: ("-", "dim"),
    State.FAILED: ("✗", "red"),
    State.STOPPED: ("■", "yellow"),
}


class Display(Protocol):
    """Shows a run while it goes on."""

    def show(self, progress: Progress, changed: Sequence[VertexProgress]) -> None:
        """Shows what changed."""


@contextmanager
def display() -> Iterator[Display]:
    """The display that fits where the output goes."""
    if not is_watched():
        yield LineDisplay()
        return
    with Live(console=Console(stderr=True)) as live:
        yield LiveDisplay(live)


class LineDisplay:
    """One line for each vertex that has settled, or waits for a person."""

    def show(self, progress: Progress, changed: Sequence[VertexProgress]) -> None:
        for vertex in changed:
            if vertex.state in SETTLED or vertex.state is State.WAITING:
                remark(f"{vertex.state:<8} {vertex.name} ({vertex.id}) {vertex.duration}".rstrip())


class LiveDisplay:
    """All vertices at once, and below them the answer as it comes."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._spinner = Spinner("dots", style="cyan")

    def show(self, progress: Progress, changed: Sequence[VertexProgress]) -> None:
        parts: list[RenderableType] = [self._vertices(progress)]
        if progress.streamed:
            parts.append(_tail(progress.streamed, self._live.console))
        self._live.update(Group(*parts))

    def _vertices(self, progress: Progress) -> Table:
        table = Table.grid(padding=(0, 2))
        for vertex in progress.vertices.values():
            mark, style = self._look(vertex.state)
            told = vertex.duration or str(vertex.state)
            table.add_row(mark, Text(shown(vertex.name)), Text(vertex.id, "dim"), Text(told, style))
        return table

    def _look(self, state: State) -> tuple[RenderableType, str]:
        if state is State.RUNNING:
            return self._spinner, "cyan"
        mark, style = _LOOKS[state]
        return Text(mark, style), style


def _tail(text: str, console: Console) -> RenderableType:
    lines = Text(shown(text)).wrap(console, console.width)
    return Group(*lines[-STREAMED_LINES:])
