from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import SecretUnreadable
from storage.secrets import Secrets, is_key, kept_keys, new_key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text("abc"), values, max_size=3),
    max_leaves=8,
)
FIXED = Secrets([new_key()])


@given(json_values)
def test_a_value_comes_back_as_it_was_sealed(value: object) -> None:
    assert FIXED.open(FIXED.seal(value, "job:1"), "job:1") == value


def test_a_sealed_value_shows_nothing_and_never_looks_the_same(secrets: Secrets) -> None:
    sealed = [secrets.seal("hunter2", "job:1") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert not any(b"hunter2" in one or b"job:1" in one for one in sealed)


def test_a_value_belongs_to_what_it_was_bound_to(secrets: Secrets) -> None:
    """Rule 12: moved to another row, it is not readable."""
    sealed = secrets.seal("hunter2", "job:1")
    with pytest.raises(SecretUnreadable):
        secrets.open(sealed, "job:2")


def test_a_value_cannot_be_read_with_another_key(secrets: Secrets) -> None:
    sealed = secrets.seal("hunter2", "job:1")
    with pytest.raises(SecretUnreadable, match="PENSTOCK_SECRET_KEY"):
        Secrets([new_key()]).open(sealed, "job:1")


@pytest.mark.parametrize("place", [0, 10, 40, -1])
def test_a_value_that_was_changed_cannot_be_read(secrets: Secrets, place: int) -> None:
    changed = bytearray(secrets.seal("hunter2", "job:1"))
    changed[place] ^= 1
    with pytest.raises(SecretUnreadable):
        secrets.open(bytes(changed), "job:1")


def test_a_new_key_in_front_encrypts_and_the_old_one_still_reads() -> None:
    old, new = new_key(), new_key()
    sealed_before = Secrets([old]).seal("hunter2", "job:1")
    both = Secrets([new, old])
    assert both.open(sealed_before, "job:1") == "hunter2"
    assert Secrets([new]).open(both.seal("hunter2", "job:1"), "job:1") == "hunter2"
    with pytest.raises(SecretUnreadable):
        Secrets([old]).open(both.seal("hunter2", "job:1"), "job:1")


def test_the_hash_of_an_api_key_stays_when_a_new_key_is_put_in_front() -> None:
    old, new = new_key(), new_key()
    assert Secrets([old]).digest("key") == Secrets([new, old]).digest("key")
    assert Secrets([old]).digest("key") != Secrets([new]).digest("key")


def test_what_is_under_the_first_key_is_not_encrypted_anew() -> None:
    old, new = new_key(), new_key()
    assert Secrets([new, old]).renewed(Secrets([new]).seal("hunter2", "job:1")) is None


def test_what_is_encrypted_anew_needs_the_first_key_only() -> None:
    old, new = new_key(), new_key()
    renewed = Secrets([new, old]).renewed(Secrets([old]).seal("hunter2", "job:1"))
    assert renewed is not None
    assert Secrets([new]).open(renewed, "job:1") == "hunter2"


def test_what_no_key_opens_is_not_encrypted_anew(secrets: Secrets) -> None:
    with pytest.raises(SecretUnreadable):
        Secrets([new_key()]).renewed(secrets.seal("hunter2", "job:1"))


def test_a_file_keeps_as_many_keys_as_it_has_lines(tmp_path: Path) -> None:
    """The first to ask makes it with one, for its owner only; whoever puts another above it has two."""
    file = tmp_path / "data" / "secret.key"
    [made] = kept_keys(file)
    assert is_key(made)
    assert kept_keys(file) == [made]
    assert file.stat().st_mode & 0o777 == 0o600
    other = new_key()
    file.write_text(f"{other}\n{made}\n")
    assert kept_keys(file) == [other, made]


def test_what_holds_secrets_does_not_show_them(secrets: Secrets) -> None:
    key = new_key()
    assert key not in repr(Secrets([key]))


@pytest.mark.parametrize("text", ["", "short", "é" * 44, "!" * 44, "A" * 40])
def test_a_text_that_is_no_key_is_known(text: str) -> None:
    assert not is_key(text)


def test_a_new_key_is_a_key_and_no_other_is_like_it() -> None:
    assert is_key(new_key())
    assert new_key() != new_key()
