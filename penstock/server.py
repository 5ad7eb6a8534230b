"""The server that a command speaks to, as it was typed or stands in the environment."""

from dataclasses import dataclass, field

import typer

from penstock.client import Client
from penstock.client.connecting import DEFAULT_URL

PATIENCE_SECONDS = 5.0
"""How long a person is kept waiting for a server that does not answer."""


@dataclass(frozen=True)
class Server:
    """Where it is, and whose key is shown to it."""

    url: str | None
    key: str | None = field(repr=False)

    def client(self, patience: float = PATIENCE_SECONDS) -> Client:
        """A connection to it. Raises `typer.BadParameter`."""
        try:
            return Client(self.url or DEFAULT_URL, self.key, patience=patience)
        except ValueError as fault:
            raise typer.BadParameter(str(fault), param_hint="--url or --key") from None
