"""Which component builds which vertex type."""

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from flows.component import AnyComponent, Component
from flows.errors import ComponentsRefused, UnknownComponents

OWN_PREFIX = "own_components_"
"""What the names of modules with a user's own components begin with."""
NOT_ALONE = "A base class that is no component itself must be abstract: give it an `@abstractmethod`."


class Registry:
    """Maps Langflow's type names to components.

    Two components with one type name raise `ComponentsRefused`, as does one that lacks a part that every component has.
    """

    def __init__(self, components: Iterable[type[AnyComponent]]) -> None:
        self._components: dict[str, AnyComponent] = {}
        for component in components:
            for name in _types_of(component):
                if name in self._components:
                    raise ComponentsRefused(_alike(name, type(self._components[name]), component))
                self._components[name] = component()

    def component(self, type_name: str) -> AnyComponent:
        """The component for a type name, or `UnknownComponents`."""
        try:
            return self._components[type_name]
        except KeyError:
            raise UnknownComponents([type_name]) from None

    def unknown(self, type_names: Iterable[str]) -> list[str]:
        """Those type names that nothing here builds, sorted, each once."""
        return sorted({name for name in type_names if name not in self._components})

    def types(self) -> list[str]:
        """All known type names, sorted."""
        return sorted(self._components)


def _alike(name: str, first: type[AnyComponent], second: type[AnyComponent]) -> str:
    return f"Two components are called {name!r}: {_place(first)} and {_place(second)}. Give one of them another type."


def _place(component: type[AnyComponent]) -> str:
    return f"{component.__module__}.{component.__qualname__}"


def _types_of(component: type[AnyComponent]) -> tuple[str, ...]:
    missing = [name for name in ("types", "inputs", "outputs") if not hasattr(component, name)]
    if missing:
        raise ComponentsRefused(f"{_place(component)} lacks {', '.join(missing)}. {NOT_ALONE}")
    return component.types


def discover(package: ModuleType) -> list[type[AnyComponent]]:
    """Every component class that a module of `package` defines, in the order of module names."""
    modules = [importlib.import_module(f"{package.__name__}.{found.name}") for found in _modules(package)]
    return [kind for module in modules for kind in vars(module).values() if _is_component_of(kind, module)]


def discover_in(folder: Path) -> list[type[AnyComponent]]:
    """Every component class that a Python file in a folder defines, in the order of file names.

    Raises whatever such a file raises when it is loaded.
    """
    modules = [_load(path) for path in sorted(folder.glob("*.py"))]
    return [kind for module in modules for kind in vars(module).values() if _is_component_of(kind, module)]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{OWN_PREFIX}{path.stem}", path)
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _modules(package: ModuleType) -> Iterable[pkgutil.ModuleInfo]:
    return sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name)


def _is_component_of(kind: object, module: ModuleType) -> bool:
    return (
        inspect.isclass(kind)
        and issubclass(kind, Component)
        and not inspect.isabstract(kind)
        and kind.__module__ == module.__name__
    )
