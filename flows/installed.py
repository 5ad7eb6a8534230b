"""Components that installed packages offer as entry points."""

import inspect
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

from flows.component import AnyComponent, Component
from flows.errors import ComponentsRefused

GROUP = "penstock.components"
"""The group of the entry points. Each names one component class, or a module whose classes are meant."""


def package_of(offer: EntryPoint) -> str:
    """The name of the package that offers something."""
    return offer.dist.name if offer.dist is not None else "?"


def load_offered(offers: Iterable[EntryPoint]) -> list[tuple[type[AnyComponent], str]]:
    """Every component class that is offered, each once, with its package; in the order of packages and names.

    Raises `ComponentsRefused`, which names the package, for an offer that cannot be loaded or is none.
    """
    found: dict[type[AnyComponent], str] = {}
    for offer in sorted(offers, key=lambda offer: (package_of(offer), offer.name)):
        for kind in _components_of(offer):
            found.setdefault(kind, package_of(offer))
    return list(found.items())


def _components_of(offer: EntryPoint) -> Sequence[type[AnyComponent]]:
    offered = _load(offer)
    kinds = [offered] if not isinstance(offered, ModuleType) else _below(offered)
    if not kinds or not all(_is_component(kind) for kind in kinds):
        raise _broken(offer, "it is neither a component class nor a module that defines one")
    return kinds


def _load(offer: EntryPoint) -> Any:
    try:
        return offer.load()
    except Exception as error:
        raise _broken(offer, f"{type(error).__name__}: {error}") from error


def _below(module: ModuleType) -> list[type[AnyComponent]]:
    """The component classes that a module, or a module inside it, defines and that it names."""
    inside = (module.__name__, f"{module.__name__}.")
    kinds = [kind for kind in vars(module).values() if _is_component(kind)]
    return [kind for kind in kinds if kind.__module__ == inside[0] or kind.__module__.startswith(inside[1])]


def _is_component(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Component) and not inspect.isabstract(kind)


def _broken(offer: EntryPoint, reason: str) -> ComponentsRefused:
    return ComponentsRefused(
        f"The package {package_of(offer)} offers a component that cannot be used ({offer.name} = {offer.value}): "
        f"{reason}. Mend the package, or uninstall it."
    )
