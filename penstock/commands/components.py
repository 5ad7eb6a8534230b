"""`penstock components`: which components flows may be made of here, and what each of them takes and gives."""

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.component import AnyComponent
from flows.fields import ANYTHING, OTHER, FieldShape, shapes_of
from flows.nearest import meant
from flows.registry import Registry
from flows.values import Json
from penstock.console import REFUSED, answer, complain, shown
from settings import load_settings
from storage.components import FoundComponent, find_components

ALL = " `penstock components list` shows all."


def show_all(*, as_json: bool) -> None:
    """Every component: a table for a person, tab-separated lines for a program, one list with `as_json`."""
    found = _found()
    if as_json:
        answer(_json([_summary(name, one) for name, one in found.items()]))
    elif sys.stdout.isatty():
        rows = ((name, str(one.component.effect), _way(one.component), one.origin) for name, one in found.items())
        Console().print(_table(("Type", "Effect", "Built", "From"), rows))
    else:
        for name, one in found.items():
            answer("\t".join((name, one.component.effect, _way(one.component), one.origin)))


def show(name: str, *, as_json: bool) -> int:
    """One component, whole; the exit code."""
    found = _found()
    if name not in found:
        complain(f"There is no component {name}.{meant(name, found) or ALL}")
        return REFUSED
    one = found[name]
    if as_json:
        answer(_json(_whole(name, one)))
    else:
        _print(name, one)
    return 0


def _found() -> dict[str, FoundComponent]:
    """The components by type name, sorted. The registry is made so that what it refuses is refused here, too."""
    found = list(find_components(load_settings().component_sources))
    Registry(one.component for one in found)
    return dict(sorted((name, one) for one in found for name in one.component.types))


def _way(component: type[AnyComponent]) -> str:
    """Whether it is built on the loop, or in a thread of its own."""
    return "async" if component.is_async() else "plain"


def _summary(name: str, one: FoundComponent) -> dict[str, Json]:
    return {
        "type": name,
        "effect": str(one.component.effect),
        "is_async": one.component.is_async(),
        "from": one.origin,
    }


def _whole(name: str, one: FoundComponent) -> dict[str, Json]:
    return {
        **_summary(name, one),
        "description": _description(one.component),
        "fields": [_field(shape) for shape in shapes_of(one.component.inputs).values()],
        "outputs": {port: list(types) for port, types in _ports(one.component).items()},
    }


def _field(shape: FieldShape) -> Json:
    return {
        "name": shape.name,
        "type": shape.type,
        "is_list": shape.is_list,
        "options": list(shape.options),
        "is_required": shape.is_required,
        "is_secret": shape.is_secret,
        "default": shape.default,
        "accepts": list(shape.accepts),
        "info": shape.info,
    }


def _print(name: str, one: FoundComponent) -> None:
    component = one.component
    answer(f"{name}: {_description(component)}\n")
    answer(f"effect {component.effect}, {_way(component)}, from {one.origin}\n")
    shapes = shapes_of(component.inputs).values()
    fields = [(shape.name, _type(shape), _default(shape), _takes(shape)) for shape in shapes]
    outputs = [(port, ", ".join(types)) for port, types in _ports(component).items()]
    console = Console()
    console.print(_table(("Field", "Type", "Default", "Takes edges of"), fields))
    console.print(_table(("Output", "Gives"), outputs))


def _description(component: type[AnyComponent]) -> str:
    return inspect.cleandoc(component.__doc__ or "")


def _ports(component: type[AnyComponent]) -> Mapping[str, Sequence[str]]:
    """The outputs of a vertex whose fields are as they come."""
    defaults = {name: shape.default for name, shape in shapes_of(component.inputs).items()}
    return {name: port.types for name, port in component().ports(defaults).items()}


def _takes(shape: FieldShape) -> str:
    return "anything" if shape.accepts == ANYTHING else ", ".join(shape.accepts)


def _type(shape: FieldShape) -> str:
    simple = "password" if shape.is_secret else "any" if shape.type == OTHER else shape.type
    kind = f"one of {', '.join(shape.options)}" if shape.options else simple
    return f"list of {kind}" if shape.is_list else kind


def _default(shape: FieldShape) -> str:
    return "(required)" if shape.is_required else orjson.dumps(shape.default).decode()


def _json(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    return table
