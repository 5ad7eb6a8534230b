"""Encryption of what must not rest in clear (rule 12), and keyed hashes of API keys."""

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storage.errors import SecretUnreadable


class Secrets:
    """Fernet under the keys of the settings: the first encrypts, all of them decrypt.

    `hash_key` gives the key of `digest` when it is first needed; without it the last of the keys serves.
    """

    def __init__(self, keys: Sequence[str], hash_key: Callable[[], str] | None = None) -> None:
        self._newest = Fernet(keys[0])
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._ask_hash_key = hash_key or (lambda: keys[-1])

    def __repr__(self) -> str:
        return "Secrets(…)"

    def seal(self, value: Any, bound_to: str) -> bytes:
        """The value encrypted, readable only together with what it is bound to."""
        return self._fernet.encrypt(orjson.dumps({"for": bound_to, "value": value}))

    def open(self, sealed: bytes, bound_to: str, seconds: int | None = None) -> Any:
        """The value again. Raises `SecretUnreadable` for another key, another binding, a changed text, and for what was
        sealed more than `seconds` ago, by the clock of this process."""
        try:
            opened = orjson.loads(self._fernet.decrypt(sealed, seconds))
        except InvalidToken:
            raise SecretUnreadable(str(SecretUnreadable.__doc__)) from None
        if opened["for"] != bound_to:
            raise SecretUnreadable("The encrypted value belongs to something else.")
        return opened["value"]

    def renewed(self, sealed: bytes) -> bytes | None:
        """The same value encrypted under the first key; None when it is already. Raises `SecretUnreadable`."""
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return self._rotated(sealed)
        return None

    def _rotated(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise SecretUnreadable(str(SecretUnreadable.__doc__)) from None

    def digest(self, key: str) -> str:
        """The keyed hash under which an API key is stored and found. Raises `SecretUnreadable`.

        The first one may keep its key, so none is made inside a writing transaction.
        """
        return hmac.new(self._hash_key, key.encode(), hashlib.sha256).hexdigest()

    def signs(self, text: str, signature: str) -> bool:
        """Whether a signature is the keyed hash of a text; takes as long for every one that is not."""
        return hmac.compare_digest(self.digest(text).encode(), signature.encode())

    @cached_property
    def _hash_key(self) -> bytes:
        return self._ask_hash_key().encode()


def new_key() -> str:
    """A fresh key for `Secrets`."""
    return Fernet.generate_key().decode()


def kept_keys(path: Path) -> list[str]:
    """The keys that a file keeps, one a line; the first to ask makes it with one, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _keep_new_key(path)
    return path.read_text().split()


def _keep_new_key(path: Path) -> None:
    """Makes the file whole or not at all, whenever the process dies; of several at once the first stays."""
    with NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(new_key())
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)


def is_key(text: str) -> bool:
    """Whether a text can be a key for `Secrets`."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True
