"""What lfx says of its own components: type, class, fields and outputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

import orjson

from flows.errors import ComponentsRefused
from flows.nearest import meant

ALL = "*"
PACKAGE = "lfx"
INDEX = "_assets/component_index.json"
CODE = frozenset(
    ("CSVAgent", "CustomComponent", "MCPTools", "PythonFunction", "PythonREPLComponent", "PythonREPLTool",
     "Smart Transform")
)  # fmt: skip
"""The types that run code or start programs which a flow or a model brings; they never run here (rule 11)."""


@dataclass(frozen=True)
class Entry:
    """One component of lfx. Its class is looked up by `module` and `class_name`, which come from lfx, never from a
    flow."""

    type: str
    description: str
    module: str
    class_name: str
    fields: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, tuple[str, ...]]


def entries(wanted: Iterable[str]) -> list[Entry]:
    """The entries of the types that are wanted, `*` for all that run here, sorted by type.

    Raises `ComponentsRefused` when lfx is not installed, does not have one of them, or it runs code.
    """
    names = set(wanted)
    if not names:
        return []
    known = _read()
    for name in sorted(names - {ALL}):
        if name in CODE:
            raise ComponentsRefused(f"PENSTOCK_LFX names {name}, which runs code that flows bring. Leave it out.")
        if name not in known:
            said = f"PENSTOCK_LFX names {name}, which lfx {lfx_version()} does not have."
            raise ComponentsRefused(f"{said}{meant(name, known)}")
    chosen = known.keys() - CODE if ALL in names else names
    return [known[name] for name in sorted(chosen)]


def lfx_version() -> str:
    """The version that is installed. Raises `ComponentsRefused` when none is."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        raise ComponentsRefused(
            "PENSTOCK_LFX is set, and the package lfx is not installed. Install penstock[lfx], or unset it."
        ) from None


def _read() -> dict[str, Entry]:
    lfx_version()
    index = orjson.loads(files(PACKAGE).joinpath(INDEX).read_bytes())
    described = (item for _, components in index["entries"] for item in components.items())
    found = (_entry(type, component) for type, component in described)
    return {entry.type: entry for entry in found if entry.module.startswith(f"{PACKAGE}.")}


def _entry(type: str, component: Mapping[str, Any]) -> Entry:
    module, _, class_name = component["metadata"]["module"].rpartition(".")
    template = component["template"]
    return Entry(
        type=type,
        description=component.get("description") or type,
        module=module,
        class_name=class_name,
        fields={name: field for name, field in template.items() if isinstance(field, dict) and name != "code"},
        outputs={output["name"]: tuple(output["types"]) for output in component["outputs"]},
    )
