"""The key of hashes outlives the secret keys."""

import pytest

from storage.database import Database
from storage.errors import SecretUnreadable
from storage.hash_key import hashing_secrets
from storage.secrets import Secrets, new_key
from tests.storage.situations import at_once, contents


def test_the_first_hash_is_that_of_the_last_key(database: Database) -> None:
    """So that what was hashed before the key was kept is found."""
    old, new = new_key(), new_key()
    assert hashing_secrets(database, [new, old]).digest("key") == Secrets([old]).digest("key")


def test_the_hash_stays_when_the_keys_change(database: Database) -> None:
    old, new = new_key(), new_key()
    before = hashing_secrets(database, [old]).digest("key")
    assert hashing_secrets(database, [new, old]).digest("key") == before


def test_sixteen_that_hash_at_once_keep_one_key(database: Database) -> None:
    key = new_key()
    races = at_once([lambda: hashing_secrets(database, [key]).digest("key")] * 16)
    assert len({race.result() for race in races}) == 1
    assert len(contents(database)["hash_keys"]) == 1


def test_a_key_that_cannot_be_read_is_not_replaced(database: Database) -> None:
    """Or every API key would be unknown for ever."""
    hashing_secrets(database, [new_key()]).digest("key")
    before = contents(database)
    with pytest.raises(SecretUnreadable):
        hashing_secrets(database, [new_key()]).digest("key")
    assert contents(database) == before


def test_the_key_does_not_rest_in_clear(database: Database) -> None:
    """Rule 12."""
    key = new_key()
    hashing_secrets(database, [key]).digest("key")
    assert key not in repr(contents(database))
