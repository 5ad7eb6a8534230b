"""How large a definition may be (I10)."""

from dataclasses import dataclass

from flows.errors import FlowRefused


@dataclass(frozen=True)
class Limits:
    """Bounds of one definition.

    `max_vertices` counts vertices without notes, `max_edges` counts edges, `max_depth` counts nested JSON containers.
    """

    max_vertices: int = 1_000
    max_edges: int = 10_000
    max_depth: int = 64


def check_depth(document: object, max_depth: int) -> None:
    """Refuses JSON that is nested deeper than `max_depth`. Walks level by level, so it cannot exhaust the stack."""
    level = [document]
    for _ in range(max_depth):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise FlowRefused(f"The flow is nested deeper than {max_depth} levels.")


def _children(item: object) -> list[object]:
    if isinstance(item, dict):
        return [value for value in item.values() if isinstance(value, dict | list)]
    if isinstance(item, list):
        return [value for value in item if isinstance(value, dict | list)]
    return []
