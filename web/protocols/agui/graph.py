"""The state of the graph as AG-UI tells it: a document of nodes, and the steps that have been taken."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.protocols.agui.events import WireEvent, state_delta, state_snapshot, step_finished, step_started


class GraphState:
    """`{"nodes": {<vertex>: {"status", "output"}}}`; the status is one of pending, running, success, error, inactive.

    The log tells of a vertex when it is finished, so its step begins and ends there; until then it is `running` when
    all before it is finished. Price, where it `is_kept` to be told again: the outputs stay in memory with it.
    """

    def __init__(self, *, is_kept: bool) -> None:
        self._known: dict[str, str] = {}
        self._next: Sequence[str] = ()
        self._is_kept = is_kept
        self._outputs: dict[str, Any] = {}

    def began(self) -> Iterator[WireEvent]:
        """The run begins: nothing is known of its graph."""
        yield state_snapshot({"nodes": {}})

    def again(self) -> Iterator[WireEvent]:
        """Another run goes on with it, for a client that may have nothing of the one before."""
        nodes = {id: _node(status, self._outputs.get(id)) for id, status in self._known.items()}
        yield state_snapshot({"nodes": nodes})

    def sorted(self, data: Mapping[str, Any]) -> Iterator[WireEvent]:
        """A `vertices_sorted`, which every pass begins with: what will run, and what of it first."""
        is_first = not self._known
        new = [id for id in data["to_run"] if id not in self._known]
        self._next = data["ids"]
        self._known |= dict.fromkeys(new, "pending")
        if is_first:
            yield state_snapshot({"nodes": {id: _node("pending") for id in new}})
        elif new:
            yield _changed(new, "pending")

    def started(self) -> Iterator[WireEvent]:
        """A `build_start`: the first vertices of a pass run."""
        yield from self._set(self._next, "running")

    def finished(self, data: Mapping[str, Any]) -> Iterator[WireEvent]:
        """An `end_vertex`."""
        build = data["build_data"]
        yield step_started(build["id"])
        yield step_finished(build["id"])
        self._known[build["id"]] = "success"
        if self._is_kept:
            self._outputs[build["id"]] = build["data"]
        yield state_delta([_put(build["id"], _node("success", build["data"]))])
        yield from self._set(build["inactivated_vertices"], "inactive")
        yield from self._set(build["next_vertices_ids"], "running")

    def asked(self, vertex_id: str) -> Iterator[WireEvent]:
        """A vertex waits for a person, and is not finished."""
        yield from self._set([vertex_id], "pending")

    def failed(self, vertex_id: str | None) -> Iterator[WireEvent]:
        """The run fails; by which vertex, if it is by one."""
        if vertex_id in self._known:
            yield from self._set([vertex_id], "error")

    def _set(self, ids: Sequence[str], status: str) -> Iterator[WireEvent]:
        changed = [id for id in ids if self._known.get(id) != status]
        if changed:
            self._known |= dict.fromkeys(changed, status)
            for id in changed:
                self._outputs.pop(id, None)
            yield _changed(changed, status)


def _node(status: str, output: Any = None) -> dict[str, Any]:
    return {"status": status, "output": output}


def _changed(ids: Sequence[str], status: str) -> WireEvent:
    return state_delta([_put(id, _node(status)) for id in ids])


def _put(id: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON patch that sets one node; in a JSON pointer `~` and `/` are escaped."""
    escaped = id.replace("~", "~0").replace("/", "~1")
    return {"op": "add", "path": f"/nodes/{escaped}", "value": node}
