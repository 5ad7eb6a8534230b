"""The kinds of value that a setting may have, and how one is declared."""

import re
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from flows.outbound.policy import OutboundPolicy
from storage.kill_points import KillPoint
from storage.secrets import is_key

YEAR = 31_536_000
SECONDS = "Give a number of seconds above 0, a year at most."
COUNT = "Give a whole number of at least 1."
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def setting(name: str, default: Any, meaning: str, remedy: str, **bounds: Any) -> Any:
    """One setting: the environment variable, its default, what it means and how to mend a wrong value."""
    return Field(default, validation_alias=name, description=meaning, json_schema_extra={"remedy": remedy}, **bounds)


def _database_url(url: str) -> str:
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        raise ValueError("is not a database URL") from None
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise ValueError(f"names the database {backend!r}")
    return url


def _redis_url(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("is not a Redis URL")
    return url


def _secret_keys(keys: SecretStr) -> SecretStr:
    if not all(is_key(key) for key in keys.get_secret_value().split(",")):
        raise ValueError("is not a list of Fernet keys")
    return keys


def _hosts(entries: str) -> str:
    OutboundPolicy.allowing(entries)
    return entries


def _endpoint(url: str) -> str:
    OutboundPolicy.allowing("", url)
    return url


def _networks(entries: str) -> str:
    for entry in listed(entries):
        ip_network(entry)
    return entries


def _origins(entries: str) -> str:
    origins = listed(entries)
    wrong = next((origin for origin in origins if origin != "*" and not _ORIGIN.fullmatch(origin)), None)
    if wrong is not None:
        raise ValueError(f"names {wrong!r}, which is no origin")
    if "*" in origins and len(origins) > 1:
        raise ValueError("has more beside *")
    return entries


def _types(entries: str) -> str:
    types = listed(entries)
    if "*" in types and len(types) > 1:
        raise ValueError("has more beside *")
    return entries


def listed(entries: str | None) -> tuple[str, ...]:
    """The entries of a comma-separated list."""
    return tuple(entry.strip() for entry in (entries or "").split(",") if entry.strip())


def _kill_point(spec: str) -> str:
    KillPoint(spec)
    return spec


def revealed(secret: SecretStr | None) -> str | None:
    """What a secret setting holds."""
    return secret.get_secret_value() if secret else None


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
SecretKeys = Annotated[SecretStr, AfterValidator(_secret_keys)]
Hosts = Annotated[str, AfterValidator(_hosts)]
Types = Annotated[str, AfterValidator(_types)]
Endpoint = Annotated[str, Field(pattern="^https?://"), AfterValidator(_endpoint)]
Networks = Annotated[str, AfterValidator(_networks)]
Origins = Annotated[str, AfterValidator(_origins)]
KillPointName = Annotated[str, AfterValidator(_kill_point)]
