"""flows/execution/engine.py: vertices of which nobody knows whether they took effect, until somebody tells (rule 6)."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.errors import EffectUncertain
from flows.execution.engine import Progress
from flows.execution.recovery import uncertain_effect
from flows.human import Decision
from flows.values import Message
from tests.flows.asking import Interview
from tests.flows.steps import StepFields, links, step_graph, steps


@pytest.mark.parametrize(
    ("told", "outputs", "built"),
    [
        (Decision("retry"), {"left": Message("a")}, 1),
        (Decision("done", {"value": "by hand"}), {"left": "by hand", "right": "by hand"}, 0),
        (Decision("done", {"value": "by hand", "right": 3}), {"left": "by hand", "right": 3}, 0),
    ],
)
def test_a_vertex_that_may_have_taken_effect_waits_until_somebody_tells(
    told: Decision, outputs: Mapping[str, Any], built: int
) -> None:
    """It runs again, or what it did stands, as they say."""
    builds: Counter[str] = Counter()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        builds[context.vertex_id] += 1
        return {"left": Message(context.vertex_id)}

    interview, graph = Interview(), step_graph(steps(links("a > b")), work)
    engine = interview.engine(graph)
    ready = engine.restore()
    engine.ask("a", uncertain_effect(graph.vertices["a"]))
    assert (asyncio.run(engine.run(ready)), builds["a"]) == (Progress.WAITING, 0)
    interview.answer("a", told)
    assert interview.go_through(graph) is Progress.DONE
    assert (interview.outputs("a"), builds["a"]) == (outputs, built)


def test_a_vertex_that_may_have_taken_effect_fails_the_run_when_somebody_says_so() -> None:
    interview, graph = Interview(), step_graph(steps(links("a > b")))
    engine = interview.engine(graph)
    engine.ask("a", uncertain_effect(graph.vertices["a"]))
    interview.answer("a", Decision("fail"))
    with pytest.raises(EffectUncertain):
        interview.go_through(graph)
