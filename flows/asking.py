"""Which vertices of a graph ask people, as far as the graph itself tells."""

from flows.graph import Graph


def asking(graph: Graph) -> list[str]:
    """The ids of vertices that ask a person whenever they are built with something behind them, and of tools whose
    calls wait for one. What a run asks of its own accord is not told: over a budget, after an unclear effect, inside
    another flow."""
    return [
        id
        for id, vertex in graph.vertices.items()
        if (vertex.component.asks_people and graph.outgoing[id])
        or (vertex.is_tool and any(action.rulings for action in vertex.actions))
    ]
