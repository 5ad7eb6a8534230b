"""Passwords, stored as argon2 hashes.

One check takes 64 MiB for a tenth of a second: whoever lets callers ask for it bounds how many run at once.
"""

from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage.errors import UnfitPassword

MIN_LENGTH = 8
MAX_LENGTH = 1_024

_HASHER = PasswordHasher()


def _hash_of_nobody() -> str:
    """A hash that no password has, which takes as long to check as any other."""
    salt, digest = (b64encode(bytes(length)).decode().rstrip("=") for length in (_HASHER.salt_len, _HASHER.hash_len))
    costs = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def hash_password(password: str) -> str:
    """What is stored of a password. Raises `UnfitPassword`."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UnfitPassword(str(UnfitPassword.__doc__))
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one whose hash is stored. Takes as long where nothing is stored (fault F9)."""
    try:
        return _HASHER.verify(stored or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether a hash was made at another cost than passwords are hashed at now."""
    return _HASHER.check_needs_rehash(stored)
