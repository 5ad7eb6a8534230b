"""Where nodes stand on the editor's canvas: left to right along the edges, one below the other."""

from collections.abc import Mapping, Sequence

COLUMN, ROW = 420, 320
"""Pixels from one node to the next."""


def positions(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, int]]:
    """The position of each node; its column is the longest way that leads to it. `edges` are pairs of node ids.

    The same nodes and edges in the same order stand in the same places.
    """
    columns = dict.fromkeys(nodes, 0)
    for _ in nodes:  # As often as the longest way can be; in a cycle it would never end.
        for source, target in edges:
            columns[target] = max(columns[target], columns[source] + 1)
    rows: dict[int, int] = {}
    placed = {}
    for id, column in columns.items():
        row = rows[column] = rows.get(column, -1) + 1
        placed[id] = {"x": column * COLUMN, "y": row * ROW}
    return placed
