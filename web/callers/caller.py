"""Who makes a request, as the routes see them."""

from dataclasses import dataclass

from storage.accounts import Account
from storage.auditing import Actor


@dataclass(frozen=True)
class Caller:
    """An account, with what the request tells beside it."""

    account: Account
    address: str | None = None
    """The network address that the request came from."""
    end_user: str | None = None
    """The person for whom a service calls with its own key (contract 6.4)."""
    credential: str | None = None
    """The key or the login that they showed; None for the local user, who needs none."""
    is_proxied: bool = False
    """Whether a trusted proxy passed the request on, which names end users."""

    @property
    def user_id(self) -> str:
        return self.account.user_id

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def is_superuser(self) -> bool:
        return self.account.is_superuser

    @property
    def actor(self) -> Actor:
        """Who they are to the audit log."""
        return Actor(self.user_id, self.name, self.address, self.end_user)
