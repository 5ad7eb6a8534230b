"""The people behind one service key (contract 6.4): named by a header of a proxy that is trusted, each seeing their own
jobs only."""

from dataclasses import dataclass
from uuid import uuid4

from starlette.requests import Request

from web.callers.caller import Caller
from web.errors import Refusal

ANONYMOUS = "anon"
"""What stands for somebody whom the proxy did not name."""
SEPARATOR = "::"
"""Between an end user and a session; no name may hold it, or one user's sessions could be taken for another's."""
MAX_NAME = 256


@dataclass(frozen=True)
class EndUsers:
    """Which header names the end user, if any, and whether a run must name one."""

    header: str | None = None
    required: bool = False

    def named_in(self, request: Request, *, is_trusted: bool) -> str | None:
        """The end user whom a trusted proxy names; None when it names nobody, and for everybody else, whose header is
        ignored. Refuses with 401 a name that cannot be one."""
        if self.header is None or not is_trusted:
            return None
        name = request.headers.get(self.header, "").strip()
        if not name:
            return None
        if SEPARATOR in name or len(name) > MAX_NAME or not name.isprintable():
            raise _unidentified(f"The header {self.header} holds no name of an end user.")
        return name

    def of_run(self, caller: Caller) -> str | None:
        """The end user of a run; somebody new when a trusted proxy names nobody. None where nobody is told apart.
        Refuses with 401 when one must be named and is not."""
        if self.header is None or caller.end_user is not None:
            return caller.end_user
        if self.required:
            raise _unidentified(f"Name the end user in the header {self.header}.")
        return f"{ANONYMOUS}{SEPARATOR}{uuid4()}" if caller.is_proxied else None

    def check_names(self, end_user: str | None, *names: str | None) -> None:
        """Refuses with 422 the session or key of somebody who names no end user, if it could be an end user's."""
        if self.header is not None and end_user is None and any(name and SEPARATOR in name for name in names):
            message = f"Only an end user's session or idempotency key has {SEPARATOR!r} in it."
            raise Refusal(422, "Reserved name", "RESERVED_NAME", message)


def is_anonymous(end_user: str) -> bool:
    """Whether nobody was named, so that nothing of the run is remembered."""
    return end_user.startswith(f"{ANONYMOUS}{SEPARATOR}")


def session_of(end_user: str | None, session_id: str) -> str:
    """The session of a run: within those of its end user; of somebody unknown one of its own."""
    if end_user is None:
        return session_id
    if is_anonymous(end_user):
        return end_user
    prefix = f"{end_user}{SEPARATOR}"
    return session_id if session_id.startswith(prefix) else prefix + session_id


def _unidentified(message: str) -> Refusal:
    return Refusal(401, "End user identity required", "END_USER_IDENTITY_REQUIRED", message)
