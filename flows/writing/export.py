"""How nodes and edges are written in Langflow's export format (contract 7.1 to 7.3)."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from flows.definition import QUOTE
from flows.fields import OTHER, FieldShape
from flows.loops import ITEM
from flows.tool_metadata import METADATA
from flows.values import Json
from flows.writing.node import Node, Place, Variable
from flows.writing.words import in_words

_UNDEFINED = "__UNDEFINED__"
"""What the editor writes for an output that has no result yet."""
_OF_VALUES: Mapping[type, str] = {bool: "bool", int: "int", float: "float", dict: "dict"}


@dataclass(frozen=True)
class Wire:
    """An edge from an output, with the port types that are `offered`, to a field or back into a loop."""

    source: Place
    target: Place
    offered: tuple[str, ...]

    @property
    def leads_back(self) -> bool:
        target = self.target
        return target.node.component.is_loop and target.name in target.node.ports


def export_node(node: Node, position: Mapping[str, int]) -> dict[str, Any]:
    """One entry of `nodes`."""
    return {
        "id": node.id,
        "type": "genericNode",
        "position": dict(position),
        "data": {"id": node.id, "type": node.type, "display_name": node.display_name, "node": _description(node)},
    }


def export_edge(wire: Wire) -> dict[str, Any]:
    """One entry of `edges`: its handles stand in it as objects, and as strings."""
    source, target = wire.source, wire.target
    handles = {"sourceHandle": _output_handle(source), "targetHandle": _target_handle(wire)}
    strings = {name: _string(handle) for name, handle in handles.items()}
    joined = f"{source.node.id}{strings['sourceHandle']}-{target.node.id}{strings['targetHandle']}"
    ends = {"source": source.node.id, "target": target.node.id}
    return {"id": f"xy-edge__{joined}", **ends, **strings, "data": handles}


def _description(node: Node) -> dict[str, Any]:
    outputs = [_output(name, types, node) for name, types in node.ports.items()]
    return {
        "display_name": node.display_name,
        "description": _summary(node),
        "base_classes": list(dict.fromkeys(type for output in outputs for type in output["types"])),
        "custom_fields": {"template": list(node.extra)} if node.extra else {},
        "field_order": list(node.fields),
        "frozen": False,
        "tool_mode": node.as_tool is not None,
        "outputs": outputs,
        "template": _template(node),
    }


def _summary(node: Node) -> str:
    return inspect.cleandoc(node.component.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _output(name: str, types: tuple[str, ...], node: Node) -> dict[str, Any]:
    return {
        "name": name,
        "display_name": in_words(name),
        "types": list(types),
        "selected": types[0],
        "allows_loop": node.component.is_loop and name == ITEM,
        "value": _UNDEFINED,
    }


def _template(node: Node) -> dict[str, Any]:
    code = {"name": "code", "type": "code", "value": "", "show": True}
    fields = {name: _field(shape, node) for name, shape in node.fields.items()}
    return {"_type": "Component", "code": code, **fields, **_actions(node)}


def _field(shape: FieldShape, node: Node) -> dict[str, Any]:
    value = node.stored(shape)
    flags = {
        "list": shape.is_list,
        "load_from_db": isinstance(node.values.get(shape.name), Variable),
        "password": shape.is_secret,
        "tool_mode": node.as_tool is not None and shape.name in node.as_tool.arguments,
    }
    told = {"info": shape.info, "input_types": list(shape.accepts), "options": list(shape.options)}
    return {
        "name": shape.name,
        "display_name": in_words(shape.name),
        "type": _type(shape, value),
        "value": value,
        "show": True,
        "required": shape.is_required,
        **{name: flag for name, flag in flags.items() if flag},
        **{name: text for name, text in told.items() if text},
    }


def _type(shape: FieldShape, value: Json) -> str:
    """The type of the field; of one that takes anything, that of its value."""
    if shape.type != OTHER or value is None:
        return shape.type
    return _OF_VALUES.get(type(value), "str")


def _actions(node: Node) -> dict[str, Any]:
    if node.as_tool is None:
        return {}
    rows = [dict(row) for row in node.as_tool.actions]
    described = {"name": METADATA, "display_name": "Actions", "type": "tools", "list": True, "show": True}
    return {METADATA: {**described, "value": rows}}


def _output_handle(place: Place) -> dict[str, Any]:
    node = place.node
    return {"dataType": node.type, "id": node.id, "name": place.name, "output_types": list(node.ports[place.name])}


def _target_handle(wire: Wire) -> dict[str, Any]:
    if wire.leads_back:
        # What comes back is not of the type of the items, and need not be.
        handle = _output_handle(wire.target)
        return {**handle, "output_types": list(dict.fromkeys((*handle["output_types"], *wire.offered)))}
    node = wire.target.node
    shape = node.field(wire.target.name)
    kind = _type(shape, node.stored(shape))
    return {"fieldName": shape.name, "id": node.id, "inputTypes": list(shape.accepts), "type": kind}


def _string(handle: Mapping[str, Any]) -> str:
    """A handle as the string that stands beside it (contract 7.2); the character that stands for a quotation mark is
    escaped where it is meant."""
    return orjson.dumps(handle).decode().replace(QUOTE, "\\u0153").replace('"', QUOTE)
