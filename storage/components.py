"""Which components a process has: Penstock's own, those of installed packages, those in a folder, those of lfx."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import flows.components
from flows.component import AnyComponent
from flows.installed import GROUP, load_offered
from flows.lfx.component import components_of_lfx
from flows.lfx.index import lfx_version
from flows.registry import OWN_PREFIX, Registry, discover, discover_in


@dataclass(frozen=True)
class FoundComponent:
    """A component class and where it comes from, as a person is told."""

    component: type[AnyComponent]
    origin: str


@dataclass(frozen=True)
class ComponentSources:
    """Where components come from beside Penstock itself and the packages that are installed."""

    folder: Path | None = None
    """A folder with components of the user's own."""
    lfx: tuple[str, ...] = ()
    """The types that run through the package lfx, where nothing else has them; `*` for all."""


def find_components(sources: ComponentSources) -> list[FoundComponent]:
    """Penstock's own, then those of packages, then those of the folder, then those of lfx that have a type of their
    own; each in the order of their names.

    Raises `ComponentsRefused` for what is broken in a package or is not in lfx, and whatever a file of the folder
    raises.
    """
    found = [*_own(), *_of_packages(), *(_of_folder(sources.folder) if sources.folder else ())]
    known = {name for one in found for name in one.component.types}
    return [*found, *(one for one in _of_lfx(sources.lfx) if known.isdisjoint(one.component.types))]


def load_registry(sources: ComponentSources) -> Registry:
    """All of them by type name. Raises as `find_components`, and `ComponentsRefused` when two have one name."""
    return Registry(found.component for found in find_components(sources))


def _own() -> Iterator[FoundComponent]:
    for component in discover(flows.components):
        yield FoundComponent(component, "penstock")


def _of_packages() -> Iterator[FoundComponent]:
    for component, package in load_offered(entry_points(group=GROUP)):
        yield FoundComponent(component, f"package {package}")


def _of_folder(folder: Path) -> Iterator[FoundComponent]:
    for component in discover_in(folder):
        yield FoundComponent(component, str(folder / f"{component.__module__.removeprefix(OWN_PREFIX)}.py"))


def _of_lfx(wanted: Sequence[str]) -> Iterator[FoundComponent]:
    if wanted:
        origin = f"lfx {lfx_version()}"
        for component in components_of_lfx(wanted):
            yield FoundComponent(component, origin)
