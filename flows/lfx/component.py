"""A component of lfx as one of Penstock's: built by lfx's own class, in a thread of its own."""

import asyncio
import warnings
from collections.abc import Iterable, Mapping
from importlib import import_module
from threading import Lock
from typing import Annotated, Any, ClassVar, cast

import structlog
from pydantic import ConfigDict, Field, create_model

from flows.component import AnyComponent, Component, Effect, Inputs, Outputs, Port, Takes
from flows.context import VertexContext
from flows.lfx.index import Entry, entries
from flows.lfx.values import from_lfx, to_lfx

PURE = frozenset(
    ("AlterMetadata", "CharacterTextSplitter", "CombineText", "CreateList", "ExtractaKey", "FilterData",
     "FilterDataValues", "JSONCleaner", "MessagetoData", "ParseData", "ParseDataFrame",
     "RecursiveCharacterTextSplitter", "RegexExtractorComponent", "SelectData", "TypeConverterComponent")
)  # fmt: skip
"""The types that are known to calculate and nothing else. What the others do, nobody has looked at: they are `once`."""
_LOADING = Lock()


class LfxFields(Inputs):
    """What a component of lfx is given; fields that its index does not name, too."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class LfxComponent(Component[LfxFields]):
    """Built by lfx. It has no graph around it: what branches, loops, streams or asks for its graph fails with its
    vertex."""

    entry: ClassVar[Entry]

    def build(self, inputs: LfxFields, context: VertexContext) -> Outputs:
        made = load_class(self.entry)(_id=context.vertex_id)
        given = {name: to_lfx(getattr(inputs, name), name) for name in inputs.model_fields_set}
        made.set_attributes(given)
        wanted = [name for name in self.outputs if name in context.surroundings.leads_to] or [next(iter(self.outputs))]
        return asyncio.run(_resolve(made, wanted))


def components_of_lfx(wanted: Iterable[str]) -> list[type[AnyComponent]]:
    """The components of lfx that are wanted by type, `*` for all. Raises `ComponentsRefused`."""
    return [_component(entry) for entry in entries(wanted)]


def load_class(entry: Entry) -> Any:
    """The class of an entry. Price: seconds and some 100 MB when the first is loaded. Raises what its module raises, as
    when a library that it needs is not installed."""
    with _LOADING:
        ours = structlog.get_config()
        try:
            return getattr(import_module(entry.module), entry.class_name)
        finally:
            # Importing lfx sets up logging for a program of its own.
            structlog.configure(**ours)


async def _resolve(made: Any, wanted: Iterable[str]) -> Outputs:
    return {name: from_lfx(await made.resolve_output(name), name) for name in wanted}


def _component(entry: Entry) -> type[AnyComponent]:
    parts = {
        "__doc__": entry.description,
        "__module__": __name__,
        "entry": entry,
        "types": (entry.type,),
        "inputs": _inputs(entry),
        "outputs": {name: Port(types) for name, types in entry.outputs.items()},
        "effect": Effect.PURE if entry.type in PURE else Effect.ONCE,
    }
    return cast("type[AnyComponent]", type(entry.class_name, (LfxComponent,), parts))


def _inputs(entry: Entry) -> type[LfxFields]:
    fields: dict[str, Any] = {name: _field(exported) for name, exported in entry.fields.items()}
    with warnings.catch_warnings():
        # A field may be called as a method of the model is; it is only read by name.
        warnings.simplefilter("ignore", UserWarning)
        return create_model(entry.class_name, __base__=LfxFields, **fields)


def _field(exported: Mapping[str, Any]) -> tuple[Any, Any]:
    """The annotation and the default of a field; lfx itself checks what it holds."""
    is_secret = bool(exported.get("password"))
    default: Any = Field(
        default=exported.get("value"),
        description=exported.get("info") or None,
        json_schema_extra={"format": "password"} if is_secret else None,
    )
    return Annotated[Any, Takes(*(exported.get("input_types") or ()))], default
