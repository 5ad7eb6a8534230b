"""How the actions of a tool are read: named and described as the flow's owner wants (contract 7.3)."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from flows.component import AnyComponent
from flows.deciding import Ruling
from flows.definition import Lenient, Node
from flows.errors import FlowRefused
from flows.tools import MAX_ACTIONS, MAX_NAME, Action
from flows.values import Json

METADATA = "tools_metadata"
"""The field with a row for each action."""
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")
_JSON_TYPES = {"int": "integer", "float": "number", "bool": "boolean", "dict": "object", "NestedDict": "object"}


class _Row(Lenient):
    """A row of the field `tools_metadata`."""

    name: str
    description: str = ""
    args: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    status: bool = True
    tags: tuple[str, ...] = ()
    approval_actions: tuple[Ruling, ...] = ()


def actions_of(node: Node, component: AnyComponent) -> list[Action]:
    """What a node that is a tool can do: a row each that is switched on, and without rows what its component does
    first. Raises `FlowRefused` for a row that cannot be read."""
    field = node.template.get(METADATA)
    rows = field.value if field is not None else None
    if not rows:
        return [_unwritten(node, component)]
    if isinstance(rows, list) and len(rows) > MAX_ACTIONS:
        raise FlowRefused(f"{node.id!r} has {len(rows)} actions; at most {MAX_ACTIONS} are allowed.")
    try:
        read = [_Row.model_validate(row) for row in rows] if isinstance(rows, list) else [_Row.model_validate(rows)]
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise FlowRefused(f"{node.id!r} has an action that is not readable at {place}: {fault['msg']}.") from None
    return [_written(row, node, component) for row in read if row.status]


def _written(row: _Row, node: Node, component: AnyComponent) -> Action:
    methods = component.actions
    output = next((methods[name] for name in (*row.tags, row.name) if name in methods), _first_output(component))
    required = [name for name, schema in row.args.items() if "default" not in schema]
    schema = {"type": "object", "properties": dict(row.args), "required": required}
    return Action(node.id, _name(row.name, node), row.description, schema, output, row.approval_actions)


def _unwritten(node: Node, component: AnyComponent) -> Action:
    """The first action of a component, with the fields as arguments that the editor marks for it."""
    method, output = next(iter(component.actions.items()), (node.display_name, _first_output(component)))
    marked = {name: field for name, field in node.template.items() if field.tool_mode}
    properties = {name: _argument(field.type, is_list=field.list, told=field.info) for name, field in marked.items()}
    required = [name for name, field in marked.items() if field.required]
    schema = {"type": "object", "properties": properties, "required": required}
    told = (component.__doc__ or node.display_name).strip().split("\n\n")[0]
    return Action(node.id, _name(method, node), told, schema, output)


def _argument(kind: str, *, is_list: bool, told: str) -> dict[str, Json]:
    item: dict[str, Json] = {"type": _JSON_TYPES.get(kind, "string")}
    argument: dict[str, Json] = {"type": "array", "items": item} if is_list else item
    return {**argument, "description": told} if told else argument


def _first_output(component: AnyComponent) -> str:
    return next(iter(component.outputs))


def _name(wanted: str, node: Node) -> str:
    """A name that every provider takes."""
    return _NOT_IN_NAMES.sub("_", wanted).strip("_")[:MAX_NAME] or _NOT_IN_NAMES.sub("_", node.id)[:MAX_NAME]
