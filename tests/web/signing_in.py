"""What tests of identities stand on: a server with its database and secrets, people in it, and their browsers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from storage.accounts import Account
from storage.auditing import Actor
from storage.clock import Moment
from storage.database import Database
from storage.hash_key import hashing_secrets
from storage.keys import NewKey, create_key
from storage.logins import start_login
from storage.secrets import Secrets, kept_keys
from storage.users import create_user
from tests.deployments import Deployment
from web.callers.credentials import COOKIE
from web.callers.login_cookie import CSRF_HEADER, csrf_token

LOGIN = "/api/v1/login"
LOGOUT = "/api/v1/logout"
SESSION = "/api/v1/session"
WHOAMI = "/api/v1/users/whoami"
API_KEYS = "/api/v1/api_key/"
PASSWORD = "correct horse"
DESK = Actor()
HOUR = 3600.0


@dataclass(frozen=True)
class House:
    """A server, and a way to what it stores past its routes."""

    deployment: Deployment
    stored: Database
    secrets: Secrets

    def add(self, name: str, *, password: str | None = None, is_superuser: bool = False) -> Account:
        """A new user."""
        user_id = create_user(self.stored, name, DESK, password=password, is_superuser=is_superuser)
        return Account(user_id, name, is_superuser)

    def key_of(self, account: Account, expires_at: Moment | None = None) -> NewKey:
        return create_key(self.stored, self.secrets, account.user_id, "a key", DESK, expires_at)

    @contextmanager
    def calling(self, key: str | None = None) -> Iterator[httpx.Client]:
        """Somebody with a key, or with nothing."""
        headers = {"x-api-key": key} if key else {}
        with httpx.Client(base_url=self.deployment.url, timeout=30, headers=headers) as client:
            yield client

    @contextmanager
    def browser_of(
        self, account: Account, *, seconds: float = HOUR, key_id: str | None = None
    ) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
        """A browser that is signed in, and the header that its pages send with a change."""
        actor = Actor(account.user_id, account.name)
        begun = start_login(self.stored, self.secrets, actor, seconds, key_id=key_id)
        with self.calling() as client:
            client.cookies.set(COOKIE, f"{begun.token}.{self.secrets.digest(f'cookie:{begun.token}')}")
            yield client, {CSRF_HEADER: csrf_token(begun.token, self.secrets)}


@contextmanager
def house_of(deployment: Deployment, folder: Path) -> Iterator[House]:
    """The house of an embedded server whose data is in a folder."""
    with closing(Database(deployment.database_url)) as stored:
        yield House(deployment, stored, hashing_secrets(stored, kept_keys(folder / "secret.key")))


def told(answer: httpx.Response) -> tuple[int, object]:
    """How a request was answered, byte by byte."""
    return answer.status_code, answer.content


def detail(status: int, message: str) -> tuple[int, bytes]:
    """The answer that tells why nobody known made a request (contract 1.0)."""
    return status, b'{"detail":"%b"}' % message.encode()


NOBODY = detail(403, "No authentication credentials provided")
BAD_KEY = detail(403, "Invalid API key")
BAD_TOKEN = detail(401, "Invalid token")
INACTIVE = detail(403, "User account is inactive")
