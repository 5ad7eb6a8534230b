"""Everybody who may come to a server: what they show, and what was shared with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from storage.auditing import Actor
from storage.database import Database
from storage.keys import create_key
from storage.levels import Level
from storage.secrets import Secrets
from storage.users import create_user

END_USER = "X-End-User"
PROXY = "127.0.0.2"
"""Where the trusted proxy of the tests calls from; everybody else calls from this machine's usual address."""
NOBODY_OF_THEM = "psk_this-key-was-never-given-to-anybody-by-this-server"
TEST = Actor(None, "a test")


class Principal(StrEnum):
    """Who calls."""

    ANONYMOUS = "anonymous"
    BAD_KEY = "bad key"
    VISITOR = "visitor"
    """Has the cookie of the public route, and nothing else."""
    OTHER = "other"
    """A user with whom nothing is shared."""
    READER = "reader"
    EXECUTOR = "executor"
    WRITER = "writer"
    OWNER = "owner"
    END_USER = "end user"
    """Somebody for whom the owner's service calls, through the proxy that names them."""
    SUPERUSER = "superuser"


SHARED = {Principal.READER: Level.READ, Principal.EXECUTOR: Level.EXECUTE, Principal.WRITER: Level.WRITE}
UNKNOWN = (Principal.ANONYMOUS, Principal.BAD_KEY, Principal.VISITOR)


@dataclass(frozen=True)
class People:
    """The users of a server, and what each principal sends to be known."""

    headers: Mapping[Principal, Mapping[str, str]]
    user_ids: Mapping[Principal, str]


def settle(database: Database, secrets: Secrets) -> People:
    """Stores a user and a key for everybody who has one."""
    headers: dict[Principal, Mapping[str, str]] = {
        Principal.ANONYMOUS: {},
        Principal.BAD_KEY: {"x-api-key": NOBODY_OF_THEM},
        Principal.VISITOR: {"cookie": "client_id=a-visitor"},
    }
    user_ids: dict[Principal, str] = {}
    for principal in (Principal.OTHER, *SHARED, Principal.OWNER, Principal.SUPERUSER):
        is_superuser = principal is Principal.SUPERUSER
        user_id = create_user(database, principal.value, TEST, is_superuser=is_superuser)
        user_ids[principal] = user_id
        key = create_key(database, secrets, user_id, "of the tests", TEST).key
        headers[principal] = {"x-api-key": key}
    headers[Principal.END_USER] = {**headers[Principal.OWNER], END_USER: "alice"}
    return People(headers, user_ids)
