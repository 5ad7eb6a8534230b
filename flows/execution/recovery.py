"""What is told, and asked, when a pass goes on where an earlier one was cut off."""

from collections.abc import Collection, Mapping, Sequence

from flows.errors import EffectUncertain
from flows.events import Event, remove_message, run_recovered
from flows.graph import Vertex
from flows.human import Decision, HumanRequest, Option, RequestKind
from flows.values import Json

RETRY, DONE, FAIL = "retry", "done", "fail"
VALUE = "value"
"""What the vertex put out, when somebody says that it was done."""


def uncertain_effect(vertex: Vertex) -> HumanRequest:
    """Asks what became of a vertex that was cut off in the middle of what must not happen twice (rule 6)."""
    return HumanRequest(
        kind=RequestKind.UNCERTAIN_EFFECT,
        prompt=f"{vertex.display_name} ({vertex.id}) was interrupted while it did what must not happen twice, and may "
        "have taken effect. Look at what it did. Then let it run again, or say that it was done, and what it put out.",
        options=(
            Option(RETRY, "Run it again"),
            Option(DONE, "It was done"),
            Option(FAIL, "Fail the run"),
        ),
        form={"type": "object", "properties": {VALUE: {}, **{name: {} for name in vertex.ports}}},
    )


def settled_effect(vertex: Vertex, told: Decision) -> Mapping[str, Json]:
    """The outputs of a vertex that was done before, as somebody tells: each by its name, or one `value` for all.

    Raises `EffectUncertain` when the run is to fail.
    """
    if told.action_id == FAIL:
        raise EffectUncertain(vertex.id, vertex.display_name)
    common = told.values.get(VALUE)
    return {name: told.values.get(name, common) for name in vertex.ports}


def recovery_events(ready: Sequence[str], attempt: int, abandoned: Sequence[str]) -> list[Event]:
    """The events that set a client's picture right: half streamed messages go, and the vertices that start over are
    named."""
    return [*(remove_message(id) for id in abandoned), run_recovered(ready, attempt)]


def abandoned_messages(open_messages: Mapping[str, str], finished: Collection[str]) -> list[str]:
    """The open messages that no pass will go on filling: those whose vertex is not finished and so starts over. Under
    the same id it opens them again, from the first token."""
    return [message for message, vertex in open_messages.items() if vertex not in finished]
