"""One node of a flow that is being written: its component, its fields, and the places that edges join."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from pydantic import ValidationError

from flows.codec import plain
from flows.component import AnyComponent
from flows.errors import FlowRefused
from flows.fields import TEXT, TOOL, FieldShape, shapes_of
from flows.nearest import meant
from flows.tools import TOOL_PORT
from flows.values import Json


@dataclass(frozen=True)
class Variable:
    """The value of a field that is looked up when it is used: the name of a variable, as secrets have one."""

    name: str


@dataclass(frozen=True)
class Place:
    """An output or a field of a node, by name."""

    node: "Node"
    name: str

    def __str__(self) -> str:
        return f"{self.node.id}.{self.name}"


FieldValue: TypeAlias = Json | Variable


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a flow. `node["name"]` is the place of one of its outputs or fields."""

    id: str
    type: str
    component: AnyComponent
    display_name: str
    as_tool: "AsTool | None" = None
    """How it serves agents; None for one that is built by itself."""
    values: dict[str, FieldValue] = field(default_factory=dict)
    """What its fields were given; the others hold their defaults."""
    extra: dict[str, FieldShape] = field(default_factory=dict)
    """The fields that its component does not name and takes all the same, as a prompt does."""

    def __str__(self) -> str:
        return f"{self.id} ({self.type})"

    def __getitem__(self, name: str) -> Place:
        if name not in self.ports and self._shape(name) is None:
            known = f"Outputs: {_listed(self.ports)}. Fields: {_listed(self.fields)}."
            raise FlowRefused(f"{self} has no output and no field {name!r}.{meant(name, self._names())} {known}")
        return Place(self, name)

    @property
    def ports(self) -> Mapping[str, tuple[str, ...]]:
        """The port types of each output."""
        if self.as_tool is not None:
            return {TOOL_PORT: TOOL}
        stored = {name: self.stored(shape) for name, shape in self.fields.items()}
        return {name: port.types for name, port in self.component.ports(stored).items()}

    @property
    def fields(self) -> Mapping[str, FieldShape]:
        return {**shapes_of(self.component.inputs), **self.extra}

    def field(self, name: str) -> FieldShape:
        """One of its fields. Raises `FlowRefused`."""
        shape = self._shape(name)
        if shape is None:
            raise FlowRefused(
                f"{self} has no field {name!r}.{meant(name, self.fields)} It has: {_listed(self.fields)}."
            )
        return shape

    def stored(self, shape: FieldShape) -> Json:
        """What a field holds in the export."""
        value = self.values.get(shape.name, shape.default)
        return value.name if isinstance(value, Variable) else value

    def give(self, given: Mapping[str, FieldValue]) -> None:
        """Sets fields. Raises `FlowRefused` for one that it does not have or a value that it does not take."""
        for name, value in given.items():
            shape = self.field(name)
            self.values[name] = value if isinstance(value, Variable) else plain(value, f"{self.id}.{name}")
            self.note(shape)
        self._check(given)

    def note(self, shape: FieldShape) -> None:
        """Writes a field down that its component does not name."""
        if shape.name not in shapes_of(self.component.inputs):
            self.extra[shape.name] = shape

    def _check(self, given: Mapping[str, FieldValue]) -> None:
        literal = {
            name: value for name, value in given.items() if not isinstance(value, Variable) and value is not None
        }
        try:
            self.component.inputs.model_validate(literal)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                # What is required may still come by an edge.
                if fault["type"] != "missing":
                    place = ".".join(str(part) for part in (self.id, *fault["loc"]))
                    raise FlowRefused(f"{place}: {fault['msg'].removeprefix('Value error, ')}.") from None

    def _shape(self, name: str) -> FieldShape | None:
        found = self.fields.get(name)
        if found is None and self.component.inputs.model_config.get("extra") == "allow":
            return replace(_VARIABLE, name=name)
        return found

    def _names(self) -> Iterable[str]:
        return [*self.ports, *self.fields]


@dataclass(frozen=True)
class AsTool:
    """How a node serves agents."""

    arguments: tuple[str, ...]
    """The fields that an agent fills in."""
    actions: tuple[Mapping[str, Any], ...] = ()
    """The rows of `tools_metadata`; none for the one action that its component has by itself."""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


_VARIABLE = FieldShape(
    "", "str", TEXT, is_list=False, options=(), is_secret=False, is_required=False, default="", info=""
)
"""A field that a component takes without naming it."""
