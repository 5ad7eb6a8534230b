"""Exported flows as files: read, checked and stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from pydantic import ValidationError

from flows.definition import flow_data
from flows.errors import FlowRefused
from flows.graph import Graph
from storage.database import Database
from storage.errors import NameTaken, TooMany
from storage.flow_store import FlowView, NewFlow, change_flow, create_flow, find_flow
from storage.graphs import Graphs
from web.flow_schemas import FlowBody

ECHO_ID = "5c0f3a9e-7b41-4d2c-9a6e-1f8b2d7c4e01"
"""The id of `examples/echo.json`."""


@dataclass(frozen=True)
class Export:
    """A file whose flow can run."""

    name: str
    flow: FlowBody
    definition: dict[str, Any]
    graph: Graph

    def new_flow(self, user_id: str) -> NewFlow:
        return NewFlow(id=str(self.flow.id or uuid4()), user_id=user_id, definition=self.definition, **self.fields)

    @property
    def fields(self) -> dict[str, Any]:
        """The flow's columns beside id, owner and definition."""
        flow = self.flow
        return {
            "name": flow.name,
            "description": flow.description,
            "endpoint_name": flow.endpoint_name,
            "tags": tuple(flow.tags or ()),
            "is_component": bool(flow.is_component),
            "max_tokens": flow.max_tokens,
        }


def read_file(file: Path, max_bytes: int) -> bytes:
    """The content of a file that is not larger than what the API takes. Raises `FlowRefused`."""
    with file.open("rb") as opened:
        content = opened.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise FlowRefused(f"{file}: has more than {max_bytes} bytes, as many as PENSTOCK_MAX_BODY_BYTES allows.")
    return content


def read_export(name: str, content: bytes, graphs: Graphs) -> Export:
    """The flow in a file, the export or only its `{nodes, edges}`. Raises `FlowRefused` with the file and the fault."""
    try:
        flow = _read(name, content)
        definition = flow_data(flow.data)
        return Export(name, flow, definition, graphs.check(definition))
    except FlowRefused as refused:
        raise FlowRefused(f"{name}: {refused}") from None


def examples(graphs: Graphs) -> Iterator[Export]:
    """The flows that come with Penstock."""
    for file in resources.files("examples").iterdir():
        if file.name.endswith(".json"):
            yield read_export(file.name, file.read_bytes(), graphs)


def create_missing(database: Database, user_id: str, export: Export) -> None:
    """Stores a flow unless there is one with its id, another has its endpoint name, or there is no room for it; nothing
    else is touched."""
    flow = export.new_flow(user_id)
    if find_flow(database, flow.id) is None:
        try:
            create_flow(database, flow)
        except (NameTaken, TooMany):
            return


def put(database: Database, user_id: str, export: Export) -> tuple[FlowView, bool]:
    """Makes the stored flow with the export's id what the export says; true when there was none.

    Raises `FlowRefused` for a flow of somebody else, and for an endpoint name that another flow has.
    """
    try:
        return _put(database, export.new_flow(user_id), export)
    except NameTaken as taken:
        raise FlowRefused(f"{export.name}: {taken}") from None


def _put(database: Database, flow: NewFlow, export: Export) -> tuple[FlowView, bool]:
    found = find_flow(database, flow.id)
    if found is not None and found.user_id != flow.user_id:
        raise FlowRefused(f"{export.name}: the flow {flow.id} belongs to another user. Change the id in the file.")
    try:
        return change_flow(database, flow.id, {**export.fields, "definition": flow.definition}), False
    except LookupError:
        return create_flow(database, flow), True


def _read(name: str, content: bytes) -> FlowBody:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise FlowRefused(f"is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise FlowRefused("The flow must be a JSON object.")
    whole = document if "data" in document else {"data": document}
    try:
        return FlowBody.model_validate({"name": Path(name).stem, **whole})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise FlowRefused(f"`{place}` is wrong: {fault['msg']}.") from None
