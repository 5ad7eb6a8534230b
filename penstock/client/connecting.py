"""What both clients connect with."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar, cast

import httpx

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_URL = "http://127.0.0.1:7860"
PATIENCE_SECONDS = 60.0
"""How long a server that does not answer, or takes on no more, is tried again."""


def checked_url(url: str) -> str:
    """The URL of a server. Raises `ValueError` when it is none."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{url!r} is no URL of a server. Write it as {DEFAULT_URL}.")
    return url


def headers_of(key: str | None) -> dict[str, str]:
    """How the caller is known. Raises `ValueError` for what cannot be a key, without telling it."""
    if not key:
        return {}
    if not (key.isascii() and key.isprintable()):
        raise ValueError("The API key holds characters that no key has. Copy it again.")
    return {"x-api-key": key}


def like(call: Callable[..., Any], method: F) -> F:
    """A method that shows itself as the call it carries: same name, arguments and words."""
    shown = signature(call)
    told = wraps(call)(method)
    itself = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    shown = shown.replace(parameters=[itself, *shown.parameters.values()], return_annotation=Signature.empty)
    told.__signature__ = shown  # type: ignore[attr-defined]
    return cast("F", told)
