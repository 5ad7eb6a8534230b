"""Encryption of what must not rest in clear (rule 12), and keyed hashes of API keys."""

import hashlib
import hmac
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storage.errors import SecretUnreadable


class Secrets:
    """Fernet under the keys of the settings: the first encrypts, all of them decrypt."""

    def __init__(self, keys: list[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._hash_key = keys[-1].encode()

    def __repr__(self) -> str:
        return "Secrets(…)"

    def seal(self, value: Any, bound_to: str) -> bytes:
        """The value encrypted, readable only together with what it is bound to."""
        return self._fernet.encrypt(orjson.dumps({"for": bound_to, "value": value}))

    def open(self, sealed: bytes, bound_to: str) -> Any:
        """The value again. Raises `SecretUnreadable` for another key, another binding or a changed text."""
        try:
            opened = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise SecretUnreadable(str(SecretUnreadable.__doc__)) from None
        if opened["for"] != bound_to:
            raise SecretUnreadable("The encrypted value belongs to something else.")
        return opened["value"]

    def digest(self, key: str) -> str:
        """The keyed hash under which an API key is stored and found. The oldest secret key makes it, so that it
        stays the same when a new one is put in front."""
        return hmac.new(self._hash_key, key.encode(), hashlib.sha256).hexdigest()


def new_key() -> str:
    """A fresh key for `Secrets`."""
    return Fernet.generate_key().decode()


def kept_key(path: Path) -> str:
    """The key that a file keeps; the first to ask makes it, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _keep_new_key(path)
    return path.read_text().strip()


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
