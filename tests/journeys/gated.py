"""Flows of gated steps: what they did stands in a ledger, and they go on when the test lets them."""

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from tests.chaos.ledger import Line, What, read
from tests.making import edge, flow, node
from tests.reading import PATIENCE
from tests.shapes import PLAIN, TEXT, Exported, Shape

COMPONENTS = Path(__file__).parent / "components"
SETTING: Mapping[str, str] = {"PENSTOCK_COMPONENTS": str(COMPONENTS)}
"""What a deployment that knows gated steps is started with."""
LOOK_SECONDS = 0.02
_STEP = Shape("Step", {"input_value": TEXT, "ledger": PLAIN, "gate": PLAIN}, {"text": ["Message"]})


class Gate:
    """One gate, and the ledger of the steps behind it."""

    def __init__(self, folder: Path) -> None:
        name = uuid4()
        self._gate = folder / f"{name}.gate"
        self._ledger = folder / f"{name}.ledger"

    def open(self) -> None:
        """Lets every step go on, now and later."""
        self._gate.touch()

    def step(self, id: str, kind: str = "Gated") -> Exported:
        return node(kind, id, shape=_STEP, ledger=str(self._ledger), gate=str(self._gate))

    def flow(self, *kinds: str) -> Exported:
        """ChatInput-a1 → step-1 → step-2 … → ChatOutput-b1, with one step for each kind."""
        return row([self.step(f"step-{number}", kind) for number, kind in enumerate(kinds, 1)])

    def begun(self) -> list[Line]:
        """Every beginning of a step, in order."""
        return [line for line in self.lines() if line.what is What.BEGIN]

    def lines(self) -> list[Line]:
        return read(self._ledger)

    def await_lines(self, count: int) -> list[Line]:
        """Waits until the ledger has so many lines, of both kinds."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.lines()) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} lines are in the ledger"
            time.sleep(LOOK_SECONDS)
        return found


def row(steps: Sequence[Exported]) -> Exported:
    """ChatInput-a1 → the steps, one after the other → ChatOutput-b1."""
    nodes = [node("ChatInput", "ChatInput-a1"), *steps, node("ChatOutput", "ChatOutput-b1")]
    return flow(nodes, [edge(source, _output(source), target, "input_value") for source, target in pairwise(nodes)])


def _output(exported: Exported) -> str:
    name: str = exported["data"]["node"]["outputs"][0]["name"]
    return name
