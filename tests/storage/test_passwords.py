"""storage/passwords.py: what is stored of a password tells whether it is the right one, and nothing else."""

import pytest
from argon2 import extract_parameters

from storage.errors import UnfitPassword
from storage.passwords import MAX_LENGTH, MIN_LENGTH, _hash_of_nobody, hash_password, is_outdated, matches

PASSWORD = "correct horse"


@pytest.mark.parametrize("password", [PASSWORD, "x" * MIN_LENGTH, "x" * MAX_LENGTH, "pässwörter", "nul\0 and more"])
def test_a_password_matches_its_hash_and_no_other(password: str) -> None:
    hashed = hash_password(password)
    assert matches(hashed, password)
    assert not matches(hashed, password[:-1])
    assert not is_outdated(hashed)


def test_no_two_hashes_are_alike() -> None:
    assert hash_password(PASSWORD) != hash_password(PASSWORD)


@pytest.mark.parametrize("password", ["", "x" * (MIN_LENGTH - 1), "x" * (MAX_LENGTH + 1)])
def test_an_unfit_password_is_not_hashed(password: str) -> None:
    with pytest.raises(UnfitPassword):
        hash_password(password)


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$$"])
def test_what_is_no_hash_matches_nothing(stored: str | None) -> None:
    for password in ("", "plain", PASSWORD):
        assert not matches(stored, password)


def test_nobodys_hash_costs_as_much_as_anybodys() -> None:
    """So that an unknown name takes as long as a wrong password."""
    assert extract_parameters(_hash_of_nobody()) == extract_parameters(hash_password(PASSWORD))
