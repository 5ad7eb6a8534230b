"""The flows that are run: the ordinary ones of the tests, and some whose vertices write into the side-effect ledger."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests import making
from tests.making import edge, node
from tests.shapes import PLAIN, TEXT, Exported, Shape

PURE, IDEMPOTENT, ONCE = "PureStep", "IdempotentStep", "OnceStep"
BLOCKING_PURE, BLOCKING_IDEMPOTENT, BLOCKING_ONCE = "BlockingPureStep", "BlockingIdempotentStep", "BlockingOnceStep"
BRANCHES: Mapping[str, str] = {"approve": ONCE, "reject": BLOCKING_IDEMPOTENT}
"""The step behind each choice of a person."""
_STEP = Shape(
    "Step",
    {"input_value": TEXT, "ledger": PLAIN, "seconds": {"type": "float", "value": 0.2}},
    {"text": ["Message"]},
)


class FlowKind(StrEnum):
    """A flow that jobs may run."""

    CHAIN = "chain"
    FAN = "fan"
    ROUTER = "router"
    MODEL = "model"
    STEPS = "steps"
    """A chain of steps that may be repeated, waiting and blocking ones."""
    LONG_STEPS = "long steps"
    """The same, with time for a worker to be taken for lost and to come back in the middle of a step."""
    WIDE_STEPS = "wide steps"
    """Many steps side by side, more than may run at the same time."""
    ONCE_STEPS = "once steps"
    """A chain with steps that must not be repeated."""
    ASKING = "asking"
    """A person decides which of two steps is done."""
    ASKING_MANY = "asking many"
    """Three people do, side by side."""


def flows(ledger: Path, model_url: str) -> dict[FlowKind, Exported]:
    """Every flow, with the ledger that its steps write into and the endpoint that its model is asked at."""
    return {
        FlowKind.CHAIN: making.chain(4),
        FlowKind.FAN: making.fan(4),
        FlowKind.ROUTER: making.router_flow(),
        FlowKind.MODEL: making.model_flow(base_url=model_url),
        FlowKind.STEPS: _row([PURE, BLOCKING_IDEMPOTENT, IDEMPOTENT, BLOCKING_PURE], ledger, 0.8),
        FlowKind.LONG_STEPS: _row([BLOCKING_PURE, IDEMPOTENT, PURE, BLOCKING_IDEMPOTENT], ledger, 1.6),
        FlowKind.WIDE_STEPS: _side_by_side([PURE, BLOCKING_PURE, IDEMPOTENT, BLOCKING_IDEMPOTENT] * 3, ledger, 1.0),
        FlowKind.ONCE_STEPS: _row([ONCE, BLOCKING_ONCE, PURE, ONCE], ledger, 1.0),
        FlowKind.ASKING: _asking(1, ledger, 0.6),
        FlowKind.ASKING_MANY: _asking(3, ledger, 0.6),
    }


def step_behind(person: str, action: str) -> str:
    """The id of the step that a choice leads to, by the id of the vertex that asks."""
    return f"{BRANCHES[action]}-{person.rpartition('-')[2]}-{action}"


def _row(kinds: Sequence[str], ledger: Path, seconds: float) -> Exported:
    """ChatInput → one step after the other → ChatOutput."""
    steps = _steps(kinds, ledger, seconds)
    nodes = [node("ChatInput", "ChatInput-a1"), *steps, node("ChatOutput", "ChatOutput-b1")]
    edges = [edge(source, _output(source), target, "input_value") for source, target in pairwise(nodes)]
    return making.flow(nodes, edges)


def _side_by_side(kinds: Sequence[str], ledger: Path, seconds: float) -> Exported:
    """ChatInput → all steps at once → Prompt → ChatOutput."""
    asked, answered = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    steps = _steps(kinds, ledger, seconds)
    parts: dict[str, Any] = {f"part_{number}": "" for number, _ in enumerate(steps)}
    join = node("Prompt", "Prompt-join", template=" ".join(f"{{{name}}}" for name in parts), **parts)
    edges = [edge(asked, "message", step, "input_value") for step in steps]
    edges += [edge(step, "text", join, name) for step, name in zip(steps, parts, strict=True)]
    return making.flow([asked, *steps, join, answered], [*edges, edge(join, "prompt", answered, "input_value")])


def _asking(width: int, ledger: Path, seconds: float) -> Exported:
    """ChatInput → people side by side, each → one step for each choice → a ChatOutput of its own."""
    asked = node("ChatInput", "ChatInput-a1")
    nodes, edges = [asked], []
    for number in range(1, width + 1):
        person = node("HumanInput", f"HumanInput-{number}")
        nodes.append(person)
        edges.append(edge(asked, "message", person, "prompt"))
        for action, kind in BRANCHES.items():
            step = _step(kind, step_behind(person["id"], action), ledger, seconds)
            shown = node("ChatOutput", f"ChatOutput-{number}-{action}")
            nodes += [step, shown]
            edges += [edge(person, f"branch_{action}", step, "input_value"), edge(step, "text", shown, "input_value")]
    return making.flow(nodes, edges)


def _steps(kinds: Sequence[str], ledger: Path, seconds: float) -> list[Exported]:
    return [_step(kind, f"{kind}-{number}", ledger, seconds) for number, kind in enumerate(kinds, 1)]


def _step(kind: str, id: str, ledger: Path, seconds: float) -> Exported:
    return node(kind, id, shape=_STEP, ledger=str(ledger), seconds=seconds)


def _output(exported: Exported) -> str:
    name: str = exported["data"]["node"]["outputs"][0]["name"]
    return name
