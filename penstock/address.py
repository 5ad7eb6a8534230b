"""Where the server of the settings answers, and how to call it."""

import json
import shlex
import socket

from settings import Settings, SettingsError

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to
"""Addresses to bind to, and where they answer on this machine."""


def url_of(settings: Settings) -> str:
    """The server's URL as this machine reaches it."""
    host = _EVERYWHERE.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def check_free(settings: Settings) -> None:
    """Raises `SettingsError` when the server could not listen. Somebody else may still come first."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        raise SettingsError(
            f"PORT={settings.port}: cannot be listened on at {settings.host}: {error.strerror or error}. "
            "Stop what uses it, or set PORT to a free one and PENSTOCK_HOST to an address of this machine."
        ) from None


def run_call(settings: Settings, flow_id: str, *, with_key: bool) -> str:
    """One line for a shell that runs a flow and waits for its answer. The key stays in its variable."""
    body = json.dumps({"flow_id": flow_id, "input_value": "Hello", "mode": "sync"})
    key = ' -H "x-api-key: $PENSTOCK_BOOTSTRAP_KEY"' if with_key else ""
    url = shlex.quote(f"{url_of(settings)}/api/v2/workflows")
    return f"curl -sS {url} -H 'content-type: application/json'{key} -d {shlex.quote(body)}"
