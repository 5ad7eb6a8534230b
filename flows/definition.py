"""The export format of contract section 7, read into typed nodes and edges. Nothing here runs the `code` field."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import orjson
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from flows.errors import FlowRefused
from flows.values import Json

NOTE = "noteNode"
QUOTE = "œ"
"""The two handle strings of an edge are JSON with every quotation mark replaced by this (contract 7.2)."""


class Lenient(BaseModel):
    """An object of the export format: what is not named here is the editor's business and ignored, null is absent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, exported: Any) -> Any:
        if not isinstance(exported, dict):
            return exported
        return {name: value for name, value in exported.items() if value is not None}


class TemplateField(Lenient):
    """One field of a node's template (contract 7.3)."""

    type: str = "str"
    value: Json = None
    show: bool = True
    list: bool = False
    password: bool = False
    load_from_db: bool = False
    input_types: tuple[str, ...] | None = None
    tool_mode: bool = False
    """Whether an agent fills it in when it calls the node as a tool."""
    required: bool = False
    info: str = ""

    @property
    def reaches_component(self) -> bool:
        """Whether the stored value is passed on; hidden fields and fields that only an edge can fill are not."""
        return self.show and self.type not in ("code", "other")


class NodeOutput(Lenient):
    """One output of a node and the port types it may have."""

    name: str
    types: tuple[str, ...] = ()


class Node(Lenient):
    """One vertex of the definition."""

    id: str
    type: str
    display_name: str
    template: Mapping[str, TemplateField]
    outputs: tuple[NodeOutput, ...]

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, exported: Any) -> Any:
        data = _mapping(_mapping(exported, "node").get("data"), "node's data")
        inner = _mapping(data.get("node"), "node's description")
        template = _mapping(inner.get("template"), "template")
        kind = data.get("type")
        return {
            "id": exported.get("id"),
            "type": kind,
            "display_name": data.get("display_name") or inner.get("display_name") or kind,
            "template": {name: field for name, field in template.items() if isinstance(field, dict)},
            "outputs": inner.get("outputs") or (),
        }


class SourceHandle(Lenient):
    """Where an edge leaves a node."""

    name: str
    output_types: tuple[str, ...] = ()


class TargetHandle(Lenient):
    """Where an edge enters a node; `loops` marks a loop-back edge, whose handle has `name` for `fieldName`."""

    name: str = Field(validation_alias=AliasChoices("fieldName", "name"))
    input_types: tuple[str, ...] = Field((), validation_alias=AliasChoices("inputTypes", "output_types"))
    type: str = "str"
    loops: bool = False

    @model_validator(mode="before")
    @classmethod
    def _recognise_loop(cls, handle: Any) -> Any:
        if not isinstance(handle, dict):
            return handle
        return {**handle, "loops": "fieldName" not in handle}


class Edge(Lenient):
    """One connection from an output to a field."""

    source: str
    target: str
    source_handle: SourceHandle
    target_handle: TargetHandle

    @model_validator(mode="before")
    @classmethod
    def _choose_handles(cls, exported: Any) -> Any:
        edge = _mapping(exported, "edge")
        data = edge.get("data") or {}
        return {
            "source": edge.get("source"),
            "target": edge.get("target"),
            "source_handle": _handle(data, edge, "sourceHandle"),
            "target_handle": _handle(data, edge, "targetHandle"),
        }


def is_note(node: Any) -> bool:
    """Whether an entry of `nodes` is a note of the editor, which is no vertex."""
    return isinstance(node, dict) and node.get("type") == NOTE


class Definition(Lenient):
    """Nodes without notes, and edges, as they stand in the export."""

    nodes: Annotated[tuple[Node, ...], BeforeValidator(lambda nodes: _items(nodes, "nodes", skip=is_note))]
    edges: Annotated[tuple[Edge, ...], BeforeValidator(lambda edges: _items(edges, "edges"))] = ()


def parse_definition(exported: object) -> Definition:
    """Reads `{nodes, edges}`; raises `FlowRefused` with the place and the fault of the first thing that is wrong."""
    if not isinstance(exported, dict):
        raise FlowRefused("The flow must be a JSON object with `nodes` and `edges`.")
    if not exported.get("nodes"):
        raise FlowRefused("The flow has no nodes.")
    try:
        return Definition.model_validate(exported)
    except ValidationError as error:
        raise FlowRefused(_first_fault(error)) from None


def flow_data(document: object) -> dict[str, Any]:
    """The `{nodes, edges}` part of an exported file, which may be the whole file or stand under `data`."""
    if not isinstance(document, dict):
        raise FlowRefused("The flow must be a JSON object.")
    inner = document.get("data", document)
    if not isinstance(inner, dict):
        raise FlowRefused("The flow has no data: `data` must be an object with `nodes` and `edges`.")
    return cast("dict[str, Any]", inner)


def _handle(data: object, edge: Mapping[str, Any], name: str) -> Any:
    handle = data.get(name) if isinstance(data, dict) else None
    if isinstance(handle, dict):
        return handle
    text = edge.get(name)
    if not isinstance(text, str):
        raise ValueError(f"the edge has no {name}")  # noqa: TRY004 - pydantic reports ValueError
    try:
        return orjson.loads(text.replace(QUOTE, '"'))
    except orjson.JSONDecodeError:
        raise ValueError(f"the edge's {name} is not readable") from None


def _items(items: Any, name: str, skip: Any = lambda item: False) -> Any:
    if items is None:
        return ()
    if not isinstance(items, list):
        raise ValueError(f"`{name}` must be a list")  # noqa: TRY004 - pydantic reports ValueError
    return tuple(item for item in items if not skip(item))


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"the {name} must be an object")  # noqa: TRY004 - pydantic reports ValueError
    return value


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"The flow is not readable at {place}: {fault['msg'].removeprefix('Value error, ')}."
