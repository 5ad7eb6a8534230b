"""What people type: the `penstock` command; and what programs call: `penstock.Client` and `penstock.AsyncClient`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    """The clients, imported when they are asked for: the command's help does without them."""
    if name in __all__:
        from penstock import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
