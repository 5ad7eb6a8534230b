"""Who makes a request (contract 1.0)."""

from dataclasses import dataclass, field
from datetime import datetime

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from storage.accounts import Account, unguarded_account
from storage.credentials import KEY, LOGIN, credential
from storage.database import Database
from storage.errors import AccountInactive, SecretUnreadable
from storage.keys import FoundKey, find_key
from storage.logins import find_login
from storage.secrets import Secrets
from storage.users import account_with
from web.callers.caller import Caller
from web.callers.credentials import Shown, shown_in
from web.callers.key_uses import KeyUses
from web.callers.local_calls import check_page, is_from_here
from web.callers.login_cookie import check_csrf, token_in
from web.callers.proxies import client_address
from web.errors import Unauthenticated, unavailable

PASSWORDS_AT_ONCE = 2
"""Passwords that one process checks at the same time: each takes 64 MiB and a processor for a tenth of a second."""


@dataclass(frozen=True)
class BrowserLogin:
    """The login that a browser's cookie carries."""

    id: str
    account: Account
    expires_at: datetime
    token: str = field(repr=False)


@dataclass(frozen=True)
class Proven:
    """An account, and the credential that proves it is theirs; None for the local user."""

    account: Account
    credential: str | None = None


@dataclass(frozen=True)
class Identity:
    """Finds out who calls: by API key, or by a browser's login. Asks the database each time, so that what is revoked,
    ended or deactivated counts at the next request."""

    database: Database
    secrets: Secrets
    uses: KeyUses
    login_seconds: float
    """How long a browser's login lasts."""
    opens_locally: bool
    """Whether a caller from this machine is the local user while nobody has a key or a password."""
    origins: tuple[str, ...] = ()
    """Of the pages elsewhere that a browser's login may be used by."""
    password_checks: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PASSWORDS_AT_ONCE))

    async def caller(self, request: Request) -> Caller:
        """Who calls. Raises `Unauthenticated`: 403 without credentials, for a bad key, an inactive account and a change
        without CSRF token, 401 for a bad token."""
        proven = await self._caller(request)
        return Caller(proven.account, client_address(request), credential=proven.credential)

    async def visitor(self, request: Request) -> Account | None:
        """Whose credentials a request shows, where it may be made without any; None when it proves nothing."""
        try:
            proven = await self._proven(request, shown_in(request))
        except (AccountInactive, Unauthenticated):
            return None
        return proven.account if proven is not None else None

    async def browser_login(self, request: Request) -> BrowserLogin | None:
        """The login that a request is made with; None when it shows a key, or nothing that counts."""
        cookie = shown_in(request).cookie
        return await run_in_threadpool(self._login_of, cookie) if cookie is not None else None

    async def of_key(self, key: str) -> FoundKey | None:
        """Whose API key this is, whose use is noted. Raises `AccountInactive`."""
        found = await run_in_threadpool(find_key, self.database, self.secrets, key)
        if found is not None:
            self.uses.note(found)
        return found

    async def of_password(self, name: str, password: str) -> Account | None:
        """Whose name and password these are. Raises `AccountInactive`."""
        return await to_thread.run_sync(account_with, self.database, name, password, limiter=self.password_checks)

    async def _caller(self, request: Request) -> Proven:
        shown = shown_in(request)
        try:
            proven = await self._proven(request, shown)
        except AccountInactive:
            raise Unauthenticated("User account is inactive") from None
        except SecretUnreadable as lost:
            raise unavailable("CREDENTIALS_UNREADABLE", str(lost)) from None
        if proven is None and shown.key is None:
            proven = await self._local(request)
        if proven is None:
            raise shown.refused()
        return proven

    async def _proven(self, request: Request, shown: Shown) -> Proven | None:
        if shown.key is not None:
            found = await self.of_key(shown.key)
            return Proven(found.account, credential(KEY, found.id)) if found is not None else None
        login = await self.browser_login(request)
        if login is None:
            return None
        check_csrf(request, login.token, self.secrets, self.origins)
        return Proven(login.account, credential(LOGIN, login.id))

    def _login_of(self, cookie: str) -> BrowserLogin | None:
        token = token_in(cookie, self.secrets)
        found = find_login(self.database, self.secrets, token) if token is not None else None
        if found is None or token is None:
            return None
        return BrowserLogin(found.id, found.account, found.expires_at, token)

    async def _local(self, request: Request) -> Proven | None:
        """The local user, for a call from this machine while nobody could show more; a cookie that is not ours, of
        another server on this machine perhaps, does not matter then."""
        if not self.opens_locally or not is_from_here(request):
            return None
        account = await run_in_threadpool(unguarded_account, self.database)
        if account is None:
            return None
        check_page(request)
        return Proven(account)
