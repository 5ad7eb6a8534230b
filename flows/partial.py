"""Which part of a graph runs when a start or a stop component is named."""

from collections.abc import Callable

from flows.graph import Graph


def select(graph: Graph, start: str | None, stop: str | None) -> tuple[Graph, list[str]]:
    """The part between `start` and `stop`, and a warning for each of them that the flow does not have.

    A start keeps what follows it and what that needs beside it; the start itself then runs on its stored fields.
    A stop keeps itself and what leads to it. The part has a loop with all that leads back to it, or not at all: a start
    in its body keeps what the loop needs, for it cannot run without. An unknown component leaves the whole flow to run
    (contract 1.1).
    """
    named = [id for id in (start, stop) if id]
    missing = [id for id in named if id not in graph.vertices]
    if missing:
        return graph, [f"The flow has no component {id!r}, so all of it runs." for id in missing]
    kept = set(graph.vertices)
    if start:
        kept &= _behind(graph, start)
    if stop:
        kept &= _leading_to(graph, stop)
    return graph.restricted_to(kept), []


def _behind(graph: Graph, start: str) -> set[str]:
    following = _closure(start, graph.successors)
    needed = {id for follower in following for id in _leading_to(graph, follower)}
    fed_by = [] if start in graph.loops.home else [edge.source for edge in graph.awaited[start]]
    return following | needed.difference(*(_leading_to(graph, source) for source in fed_by))


def _leading_to(graph: Graph, stop: str) -> set[str]:
    return _closure(stop, lambda id: [edge.source for edge in graph.incoming[id]])


def _closure(origin: str, neighbours: Callable[[str], list[str]]) -> set[str]:
    reached, pending = {origin}, [origin]
    while pending:
        new = [id for id in neighbours(pending.pop()) if id not in reached]
        reached.update(new)
        pending.extend(new)
    return reached
