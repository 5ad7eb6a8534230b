"""Libraries that only some components need; they come with an extra of the package."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.errors import FlowError


class ExtraMissing(FlowError):
    """A library is not installed that comes with the extra `name`."""

    def __init__(self, name: str, library: str) -> None:
        self.name = name
        super().__init__(
            f"This needs the library {library}, which is not installed. Run: pip install 'penstock[{name}]'"
        )


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around imports that need the extra `name`. Raises `ExtraMissing`."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissing(name, error.name or "of that extra") from error
