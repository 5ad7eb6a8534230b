"""How long a key is looked up tells nothing of the keys that there are (fault F15)."""

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import pbkdf2_hmac

import pytest
from sqlalchemy import bindparam, select
from sqlmodel import col

from storage.auditing import Actor
from storage.database import Database
from storage.keys import START, create_key, find_key
from storage.secrets import Secrets
from storage.tables import ApiKey

SAMPLES = 3_000
DRIFT = 0.05
"""How far the chance that one side is slower may lie from a half: six standard deviations of pure chance."""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """In this process, where nothing but the look-up takes time."""
    return sqlite_url


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without a collection of garbage in the middle of a sample."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def chance_of_slower(one: list[int], other: list[int]) -> float:
    """How likely a sample of the first is slower than one of the second: the rank sum of Mann and Whitney."""
    ranked = sorted([(took, 0) for took in one] + [(took, 1) for took in other])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, 1) if side == 0)
    return (ranks - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))


def sampled(look_up: Callable[[str], object], makers: list[Callable[[], str]]) -> list[list[int]]:
    """How long keys of each kind take, in nanoseconds of this thread, so that whatever else runs here does not count;
    the kinds take turns in a changing order."""
    took: list[list[int]] = [[] for _ in makers]
    with undisturbed():
        for _ in range(SAMPLES):
            for kind in random.sample(range(len(makers)), len(makers)):
                shown = makers[kind]()
                begun = time.thread_time_ns()
                look_up(shown)
                took[kind].append(time.thread_time_ns() - begun)
    return took


def invented() -> str:
    return START + "".join(random.choices(ALPHABET, k=43))


def test_a_key_that_is_nearly_right_takes_as_long_as_any_other(
    database: Database, secrets: Secrets, user_id: str
) -> None:
    """All characters but the last are those of a stored key, or none is: neither is slower more often."""
    keys = [create_key(database, secrets, user_id, "a key", Actor()).key for _ in range(20)]

    def nearly() -> str:
        key = random.choice(keys)
        return key[:-1] + random.choice(ALPHABET.replace(key[-1], ""))

    near, far = sampled(lambda shown: find_key(database, secrets, shown), [nearly, invented])
    assert abs(chance_of_slower(near, far) - 0.5) < DRIFT


def test_the_samples_would_show_a_search_by_the_beginning(database: Database, secrets: Secrets, user_id: str) -> None:
    """What looks for keys that begin alike and hashes the shown one for each is told; a few microseconds are not."""
    keys = [create_key(database, secrets, user_id, "a key", Actor()).key for _ in range(20)]
    by_prefix = select(col(ApiKey.digest)).where(col(ApiKey.prefix) == bindparam("beginning"))

    def look_up(shown: str) -> bool:
        with database.read() as connection:
            found = connection.execute(by_prefix, {"beginning": shown[:10]}).scalars().all()
        return any(digest == pbkdf2_hmac("sha256", shown.encode(), b"salt", 2_000).hex() for digest in found)

    near, far = sampled(look_up, [lambda: random.choice(keys)[:-1] + "~", invented])
    assert chance_of_slower(near, far) > 0.5 + DRIFT
