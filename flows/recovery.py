"""What is told when a pass goes on where an earlier one was cut off."""

from collections.abc import Collection, Mapping, Sequence

from flows.events import Event, remove_message, run_recovered


def recovery_events(ready: Sequence[str], attempt: int, abandoned: Sequence[str]) -> list[Event]:
    """The events that set a client's picture right: half streamed messages go, and the vertices that start over are
    named."""
    return [*(remove_message(id) for id in abandoned), run_recovered(ready, attempt)]


def abandoned_messages(open_messages: Mapping[str, str], finished: Collection[str]) -> list[str]:
    """The open messages that no pass will go on filling: those whose vertex is not finished and so starts over. Under
    the same id it opens them again, from the first token."""
    return [message for message, vertex in open_messages.items() if vertex not in finished]
